import { currentClient, watchClients } from '../../context/client-connection.cjs';
import type { PuffError } from '../../errors.js';
import type { NativeSchema } from '../native/native-schema.js';
import type { PuffSchema } from '../puff-schema.js';
import { javaScriptNeed } from './javascript-need.js';
import { isAt, isProxied } from './next-servers.js';
import { NodeEndpoint } from './node-endpoint.js';
import { refusal } from './route-options.js';
import { addShortcut, pathOf } from './server-shortcuts.js';

const METHODS = new Set(['GET', 'POST']);
/** A route whose path has parameters, or to which rewrites lead, has more URLs than can be kept. */
const MAX_URLS = 32;
/** Next.js may take differently written paths for the same one. */
const PLAIN_PATH = /^\/[\w\-./~]*$/;

/** The way to an endpoint past Next.js, along URLs on which requests came through it. */
export class Shortcut<Context> {
  readonly #schema: PuffSchema<Context>;
  readonly #endpoint: NodeEndpoint;
  /** The methods and paths that were looked at. */
  readonly #seen = new Set<string>();
  #isChecked = false;

  /** @throws {PuffError} `PUFF_GRAPHQL_ROUTE` for a schema that needs JavaScript, if that is known by now */
  constructor(schema: PuffSchema<Context>, native: NativeSchema, maxBodyBytes: number) {
    this.#schema = schema;
    this.#endpoint = new NodeEndpoint(native, maxBodyBytes, (report) => {
      // Its context is never made, because nothing asks for one.
      schema.listener(() => schema.contextOf()).onReport?.(report);
    });
    try {
      this.#check();
    } catch (error) {
      // Those with Prisma queries are ready at the first request.
      if ((error as PuffError).code !== 'PUFF_GRAPHQL_NOT_PREPARED') throw error;
    }
    // Without `withPuff` nobody has done it yet; the request that loads the route is then not seen.
    watchClients();
  }

  /**
   * Lets the server that this request came to answer the next ones like it; the schema must be
   * prepared. Only in production: in development Next.js compiles the route again and again.
   *
   * @throws {PuffError} `PUFF_GRAPHQL_ROUTE` for a schema that needs JavaScript
   */
  open(request: Request): void {
    this.#check();
    const client = currentClient();
    if (client === undefined || process.env.NODE_ENV !== 'production') return;
    const { server, method, url } = client;
    const path = pathOf(url);
    const key = `${method} ${path}`;
    if (this.#seen.has(key) || this.#seen.size >= MAX_URLS) return;
    if (!METHODS.has(method) || !PLAIN_PATH.test(path)) return;
    // Otherwise code made this request, while it answered one that has nothing to do with this route.
    if (request.method !== method || !isAt(path, new URL(request.url).pathname)) return;
    this.#seen.add(key);
    if (mayOpen(path)) addShortcut(server, method, path, this.#endpoint.listener);
  }

  #check(): void {
    if (this.#isChecked) return;
    const need = javaScriptNeed(this.#schema.graphqlSchema, this.#schema.spec);
    if (need !== undefined) {
      throw refusal(
        `shortcut: the schema needs JavaScript: ${need}.`,
        'Make it a static layer, or leave `shortcut` out.',
      );
    }
    this.#isChecked = true;
  }
}

/** Whether nothing that guards the app would be passed by; warns if so. */
function mayOpen(path: string): boolean {
  try {
    if (!isProxied(path)) return true;
    warn(path, 'the proxy (middleware) of the app covers this URL and would not see its requests');
  } catch (error) {
    warn(path, `it cannot be seen whether a proxy covers this URL (${error})`);
  }
  return false;
}

function warn(path: string, reason: string): void {
  console.warn(`[next-puff] graphqlRoute(): no shortcut to ${path}, because ${reason}.`);
}
