import { PuffError } from '../../errors.js';
import type { HttpOptionsSpec, SubscriptionsSpec } from './http-options.js';

/** How a GraphQL route answers; each option has a default that is safe in production. */
export interface GraphQLRouteOptions {
  /**
   * The largest body of a request in bytes; no more is read, and the answer is 413. Default: 1 MiB.
   */
  readonly maxBodyBytes?: number;
  /**
   * Whether GET requests are refused that a page of another site can make its visitor's browser send:
   * those from browsers without a header that says otherwise (`Sec-Fetch-Site: same-origin`,
   * `x-apollo-operation-name`, `apollo-require-preflight`, `graphql-preflight`, or a content type like
   * `application/json`). POST requests must be JSON, which such pages cannot send. Default: true.
   */
  readonly csrfPrevention?: boolean;
  /** The methods that execute operations; mutations need POST. Default: both. */
  readonly methods?: readonly ('GET' | 'POST')[];
  /**
   * Whether clients may register documents and then send only the hash: Apollo's automatic persisted
   * queries. The least recently used ones are forgotten. Default: true, with 1,000 documents and 16 MiB.
   */
  readonly persistedQueries?:
    | boolean
    | { readonly maxEntries?: number; readonly maxBytes?: number };
  /**
   * Documents that the app knows, by the id that clients send as `documentId`, or by their SHA-256 in
   * hexadecimal digits for `extensions.persistedQuery`.
   */
  readonly trustedDocuments?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
  /** Whether nothing but {@link trustedDocuments} is executed. Default: false. */
  readonly onlyTrusted?: boolean;
  /**
   * What a browser gets that opens the URL: GraphiQL, Apollo Sandbox or nothing. Both come from a CDN.
   * Default: GraphiQL, but nothing when `NODE_ENV` is `production`.
   */
  readonly playground?: 'graphiql' | 'sandbox' | false;
  /**
   * Whether clients may ask how an operation was executed, by `"extensions": {"explain": true}`: the
   * answer then has its layers with their SQL. Default: true, but false when `NODE_ENV` is `production`.
   */
  readonly explain?: boolean;
  /** How clients that stay connected are served: over WebSockets, or with streams of events. */
  readonly subscriptions?: RouteSubscriptionOptions;
  /**
   * Whether requests are answered at the HTTP server of `next start`, before Next.js sees them, which
   * would take most of the time of a small operation. Default: false.
   *
   * The schema must need no JavaScript: every field is a static layer, a connection or a column, and
   * there are no `settings`, nor values of `context` in statements. The first GET and the first POST
   * still go through Next.js; from then on the server answers the URL that they had. Responses have the
   * same status, body and headers of their own, and a client that goes away still cancels.
   *
   * What Next.js does around a route does not happen to these requests:
   * - wrappers around `GET` and `POST`: only the first request comes to them, so export both as
   *   `graphqlRoute` returns them, and check who may ask in front of the server;
   * - `proxy.ts` (or `middleware.ts`): if it covers the URL, the option warns and does nothing;
   * - `headers`, `redirects` and `rewrites` of `next.config`, and compression;
   * - the request context of `withPuff`: its deadline (the schema's `limits.timeoutMs` remains) and its
   *   transaction;
   * - tracing and logging of Next.js.
   *
   * Methods other than GET and POST, requests with `Expect` or `Upgrade`, and all of `next dev` go through
   * Next.js. Without effect where no HTTP server of Node is in the same process.
   */
  readonly shortcut?: boolean;
}

/** How a GraphQL route serves clients that stay connected. */
export interface RouteSubscriptionOptions {
  /**
   * How long a client of a WebSocket may take to send `connection_init` before it is closed with 4408, in
   * milliseconds; 0 for any time. Default: 3,000.
   */
  readonly connectionInitTimeoutMs?: number;
  /**
   * After how many milliseconds without events a stream of events gets a comment, so that no proxy takes
   * it for dead; 0 for never. Default: 12,000. (WebSockets have pings.)
   */
  readonly keepAliveMs?: number;
  /** Operations that one connection may have at a time; others get an error. Default: 100. */
  readonly maxOperations?: number;
  /**
   * Bytes that may wait for the client of a stream of events: one that reads more slowly is cut off, and
   * has to subscribe again. Default: 1 MiB. (WebSockets have the same limit in `server.webSockets`.)
   */
  readonly maxBufferedBytes?: number;
}

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Checks options and fills in what was left out.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_ROUTE` for options that cannot be
 */
export function httpOptions(
  options: GraphQLRouteOptions,
  { checksConnections }: Pick<SubscriptionsSpec, 'checksConnections'> = {
    checksConnections: false,
  },
): HttpOptionsSpec {
  const isProduction = process.env.NODE_ENV === 'production';
  const { persistedQueries = true, trustedDocuments = {} } = options;
  const { maxEntries, maxBytes } = typeof persistedQueries === 'object' ? persistedQueries : {};
  const spec: HttpOptionsSpec = {
    maxBodyBytes: wholeNumber('maxBodyBytes', options.maxBodyBytes) ?? MAX_BODY_BYTES,
    csrfPrevention: options.csrfPrevention ?? true,
    methods: options.methods ?? ['GET', 'POST'],
    persisted: {
      automatic: persistedQueries !== false,
      ...definedNumber('maxEntries', maxEntries),
      ...definedNumber('maxBytes', maxBytes),
    },
    trustedDocuments:
      trustedDocuments instanceof Map
        ? Object.fromEntries(trustedDocuments as ReadonlyMap<string, string>)
        : (trustedDocuments as Readonly<Record<string, string>>),
    onlyTrusted: options.onlyTrusted ?? false,
    playground: options.playground ?? (isProduction ? false : 'graphiql'),
    explain: options.explain ?? !isProduction,
    subscriptions: { ...subscriptionsSpec(options.subscriptions ?? {}), checksConnections },
  };
  for (const [id, text] of Object.entries(spec.trustedDocuments)) {
    if (typeof text === 'string') continue;
    throw refusal(`trustedDocuments: the document ${id} is not a text.`);
  }
  if (spec.onlyTrusted && Object.keys(spec.trustedDocuments).length === 0) {
    throw refusal('onlyTrusted without trustedDocuments: no request could be executed.');
  }
  return spec;
}

function subscriptionsSpec(
  options: RouteSubscriptionOptions,
): Omit<SubscriptionsSpec, 'checksConnections'> {
  const spec: Partial<SubscriptionsSpec> = {};
  const set = (name: keyof RouteSubscriptionOptions, to: keyof typeof spec) => {
    const number = wholeNumber(`subscriptions.${name}`, options[name]);
    if (number !== undefined) Object.assign(spec, { [to]: number });
  };
  set('connectionInitTimeoutMs', 'initTimeoutMs');
  set('keepAliveMs', 'keepAliveMs');
  set('maxOperations', 'maxOperations');
  set('maxBufferedBytes', 'maxBufferedBytes');
  return spec;
}

function definedNumber<Name extends string>(
  name: Name,
  value: number | undefined,
): { [Key in Name]?: number } {
  const number = wholeNumber(`persistedQueries.${name}`, value);
  return number === undefined ? {} : ({ [name]: number } as { [Key in Name]: number });
}

function wholeNumber(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw refusal(`${name} must be a whole number, got ${String(value)}.`);
}

/** The error for a route that cannot be. */
export function refusal(message: string, hint?: string): PuffError {
  return new PuffError('PUFF_GRAPHQL_ROUTE', `graphqlRoute(): ${message}`, {
    operation: 'graphql',
    hint,
  });
}
