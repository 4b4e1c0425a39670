import { currentContext } from '../../context/index.js';
import type { HostedClient } from '../native/hosted-operations.js';
import { NativeSchema } from '../native/native-schema.js';
import { ResponseStream } from '../native/response-stream.js';
import type { PuffSchema } from '../puff-schema.js';
import type { HttpOptionsSpec } from './http-options.js';
import { readBody } from './request-body.js';
import { type GraphQLRouteOptions, httpOptions } from './route-options.js';
import { Shortcut } from './shortcut.js';
import { mayGoOn, streamedBody } from './streamed-answer.js';

/** Nobody reads this answer. */
const CLIENT_CLOSED_REQUEST = 499;

/** A schema behind one URL. */
export class RouteEndpoint<Context> {
  readonly #schema: PuffSchema<Context>;
  readonly #options: HttpOptionsSpec;
  readonly #native: NativeSchema;
  readonly #shortcut: Shortcut<Context> | undefined;
  #listener: number | undefined;

  constructor(schema: PuffSchema<Context>, options: GraphQLRouteOptions) {
    this.#schema = schema;
    this.#options = httpOptions(options, {
      checksConnections: schema.options.context !== undefined,
    });
    this.#native = new NativeSchema(() => schema.spec, { pool: schema.pool, http: this.#options });
    if (options.shortcut === true) {
      this.#shortcut = new Shortcut(schema, this.#native, this.#options.maxBodyBytes);
    }
  }

  /**
   * What a native server has to know: the number of the schema in the core, and that of a listener which
   * knows all clients of the server.
   *
   * @throws what the schema is refused for
   */
  async native(): Promise<{ schema: number; listener: number }> {
    await this.#schema.prepare();
    const schema = this.#native.id;
    this.#listener ??= this.#native.listen(
      this.#schema.source((client) =>
        this.#schema.contextOf(requestOf(client), client?.connectionParams ?? undefined),
      ),
    );
    return { schema, listener: this.#listener };
  }

  /**
   * Answers a request.
   *
   * @throws what the signal of the running request context aborts with; what the schema is refused for
   */
  async answer(request: Request): Promise<Response> {
    // First, because it tells Next.js that the answer depends on the request.
    const search = searchOf(request.url);
    const context = currentContext();
    const signal = context?.isActive ? context.signal : request.signal;
    try {
      return await this.#answer(request, search, signal);
    } catch (error) {
      // Inside a context its wrapper knows what to do.
      if (signal === request.signal && signal.aborted) {
        return new Response(null, { status: CLIENT_CLOSED_REQUEST });
      }
      throw error;
    }
  }

  async #answer(request: Request, search: string, signal: AbortSignal): Promise<Response> {
    await this.#schema.prepare();
    this.#shortcut?.open(request);
    const { bytes, length } = await readBody(request, this.#options.maxBodyBytes, signal);
    const context = () => this.#schema.contextOf(request);
    const { status, headers, body, stream } = await this.#native.http(
      {
        method: request.method,
        search,
        headers: headersOf(request, bytes, length),
        body: bytes,
      },
      { signals: [signal], ...this.#schema.listener(context) },
      mayGoOn(request.headers, search) ? this.#schema.source(context) : undefined,
    );
    if (stream > 0) {
      const body = streamedBody(new ResponseStream(stream), signal);
      return new Response(body, { status, headers });
    }
    return new Response(body.byteLength === 0 ? null : body, { status, headers });
  }
}

/** The request that a client's operations came with. */
function requestOf(client: HostedClient | undefined): Request | undefined {
  if (client === undefined) return undefined;
  const { target } = client;
  const headers = new Headers(client.headers);
  const host = headers.get('x-forwarded-host') ?? headers.get('host') ?? 'localhost';
  const protocol = headers.get('x-forwarded-proto')?.split(',')[0]?.trim() ?? 'http';
  // Its body, if it had one, was read by the core.
  return new Request(`${protocol}://${host}${target}`, { headers });
}

function searchOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start + 1);
}

/** The headers of a request; those of a body that was not read whole tell its true length. */
function headersOf(request: Request, bytes: Uint8Array, length: number): Pick<Headers, 'get'> {
  const { headers } = request;
  if (bytes.byteLength === length) return headers;
  return { get: (name) => (name === 'content-length' ? String(length) : headers.get(name)) };
}
