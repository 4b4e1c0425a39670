import type { PreparableClient } from '../../prisma/sql/to-sql.js';
import type { ErrorReporter } from '../runtime/failures.js';
import type { LimitsSpec, OptionsSpec } from './spec.js';

/** The request that an operation is for, as `context` sees it. */
export interface SchemaRequest {
  /** The headers; none for an operation that code started without a request. */
  readonly headers: Headers;
  /** The token of `Authorization: Bearer ...`. */
  readonly authToken: string | null;
  /** The request itself, where there is one; for an operation over a WebSocket, its handshake. */
  readonly request: Request | undefined;
  /** What the client of a WebSocket sent when it connected: the payload of `connection_init`. */
  readonly connectionParams: Readonly<Record<string, unknown>> | undefined;
}

/** What all schemas can be told, wherever their types come from. */
export interface SchemaOptions<Context = SchemaRequest> {
  /**
   * Makes the context of an operation: what `context` is in resolvers and layers. Called when one is
   * needed, once per operation; for a subscription once for all its events. Without it the context is the
   * {@link SchemaRequest}.
   *
   * It is also called when a client connects by a WebSocket: if it throws, the client may not (4403).
   *
   * Values that static layers use (`context.userId`) must be JSON.
   */
  readonly context?: (request: SchemaRequest) => Context | Promise<Context>;
  /**
   * PostgreSQL run-time parameters for an operation, as row-level security wants them:
   * `{ 'app.user_id': '7' }`. They are set as by `SET LOCAL`, so every operation with them is a
   * transaction.
   */
  readonly settings?: (
    context: NoInfer<Context>,
  ) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** The bounds of an operation; 0 means none. */
  readonly limits?: LimitsSpec;
  /** Whether clients may ask for the schema; if not given, unless `NODE_ENV` is `production`. */
  readonly introspection?: boolean;
  /**
   * Whether clients see "Unexpected error." instead of the messages of errors that are no
   * `GraphQLError`; true if not given.
   */
  readonly maskErrors?: boolean;
  /**
   * Is told of errors of resolvers and layers that are no `GraphQLError`, with where they happened;
   * `console.error` if not given.
   */
  readonly onError?: ErrorReporter;
  /** The pool that statements run on, by its name in `puff.config.ts`; the default pool if not given. */
  readonly pool?: string;
  /** Whether all of a mutation is one transaction; true if not given. */
  readonly mutationTransaction?: boolean;
  /** The Prisma clients whose queries static layers and layers return. */
  readonly prisma?: PreparableClient | readonly PreparableClient[];
}

/** What the engine is told of the options. */
export function optionsSpec<Context>(options: SchemaOptions<Context>): OptionsSpec {
  return {
    introspection: options.introspection ?? process.env.NODE_ENV !== 'production',
    masksErrors: options.maskErrors ?? true,
    hasSettings: options.settings !== undefined,
    mutationTransaction: options.mutationTransaction ?? true,
    limits: options.limits ?? {},
  };
}

/** What `context` sees of a request. */
export function schemaRequest(
  request?: Request,
  connectionParams?: Readonly<Record<string, unknown>>,
): SchemaRequest {
  const headers = request?.headers ?? new Headers();
  const [, authToken = null] = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '') ?? [];
  return { headers, authToken, request, connectionParams };
}
