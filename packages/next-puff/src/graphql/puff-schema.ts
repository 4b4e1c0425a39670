import { AsyncResource } from 'node:async_hooks';
import { type GraphQLSchema, printSchema } from 'graphql';
import { currentContext } from '../context/request-context.js';
import { PuffError } from '../errors.js';
import { DEFAULT_POOL } from '../postgres/database.js';
import type { HostedClient, HostedOperation } from './native/hosted-operations.js';
import {
  type ExecutionResult,
  NativeSchema,
  type OperationOptions,
  type OperationSource,
} from './native/native-schema.js';
import { answerAsk } from './native/operation.js';
import type { ResponseStream } from './native/response-stream.js';
import type { OperationRunner } from './runtime/operation-runner.js';
import { SchemaRuntime } from './runtime/schema-runtime.js';
import {
  type CompiledFields,
  compileFields,
  type PrismaStatements,
} from './schema/compile-fields.js';
import type { DynamicLayer } from './schema/field-source.js';
import { optionsSpec, type SchemaOptions, schemaRequest } from './schema/schema-options.js';
import type { SchemaSpec } from './schema/spec.js';

/** What a schema is made of. */
export interface PuffSchemaParts<Context> {
  /** The types, with resolvers; layers are in `extensions.puff` of their fields. */
  graphqlSchema: GraphQLSchema;
  /** The types in the schema definition language; printed from `graphqlSchema` if not given. */
  sdl?: string;
  options?: SchemaOptions<Context>;
}

/** A request that code makes. */
export interface ExecutionRequest<Context> {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  /** Which operation of the document, where it has several. */
  readonly operationName?: string | null | undefined;
  /** What the schema's `context` is made of. */
  readonly request?: Request | undefined;
  /** The context itself, instead of the schema's `context`. */
  readonly context?: Context | undefined;
  /** Aborting it rejects and cancels what runs. */
  readonly signal?: AbortSignal | undefined;
  /** Whether `extensions.explain` has the layers, with their statements, times and rows. */
  readonly explain?: boolean | undefined;
}

/** A response (GraphQL specification, section 7.1 "Response Format"). */
export interface QueryResult<Data = Record<string, unknown>> {
  /** Nothing when the request was not executed; `null` when an error went up to the operation. */
  readonly data?: Data | null;
  readonly errors?: readonly QueryError[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** An error of a response. */
export interface QueryError {
  readonly message: string;
  readonly locations?: readonly { readonly line: number; readonly column: number }[];
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What an operation needs of its schema while it runs. */
export type SchemaListener = Pick<OperationOptions, 'onAsk' | 'onReport'>;

async function* responses<Data>(
  stream: ResponseStream,
  first: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<QueryResult<Data>, void, undefined> {
  const close = () => stream.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    let chunk = first;
    while (chunk !== undefined) {
      signal?.throwIfAborted();
      // The first one says that the source is there.
      if (chunk.byteLength > 0) yield JSON.parse(textOf(chunk));
      chunk = await stream.next();
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', close);
    close();
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}

function hostedOperation(runner: OperationRunner): HostedOperation {
  return {
    onAsk: runner.handle,
    onReport: runner.report,
    event: () => {
      const event = runner.event();
      return { onAsk: event.handle, onReport: event.report };
    },
    end: () => runner.end(),
  };
}

/** A schema that the engine executes; `defineSchema` and `fromGraphQLSchema` make them. */
export class PuffSchema<Context = unknown> {
  /** The types, as graphql-js knows them. */
  readonly graphqlSchema: GraphQLSchema;
  readonly options: SchemaOptions<Context>;
  /** The layers that JavaScript resolves, by coordinate. */
  readonly layers: ReadonlyMap<string, DynamicLayer>;
  /** The name of the pool that statements run on. */
  readonly pool: string;
  readonly #sdl: string;
  readonly #fields: CompiledFields;
  #spec: SchemaSpec | undefined;
  #preparing: Promise<this> | undefined;
  #native: NativeSchema | undefined;
  #runtime: SchemaRuntime | undefined;
  #statementCount = 0;

  /**
   * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` and `PUFF_GRAPHQL_NOT_STATIC` for fields that cannot be
   * resolved as they say
   */
  constructor({ graphqlSchema, sdl, options = {} }: PuffSchemaParts<Context>) {
    this.graphqlSchema = graphqlSchema;
    this.options = options;
    this.pool = options.pool ?? DEFAULT_POOL;
    this.#sdl = sdl ?? printSchema(graphqlSchema);
    this.#fields = compileFields(graphqlSchema);
    this.layers = this.#fields.layers;
    if (!this.#fields.usesPrisma) this.#finish(undefined);
  }

  /**
   * The schema as the engine reads it.
   *
   * @throws {PuffError} `PUFF_GRAPHQL_NOT_PREPARED` when static layers are Prisma queries, and
   * {@link prepare} has not been awaited
   */
  get spec(): SchemaSpec {
    if (this.#spec !== undefined) return this.#spec;
    throw new PuffError('PUFF_GRAPHQL_NOT_PREPARED', 'The schema has not been prepared yet.', {
      operation: 'graphql',
      hint: 'Call `await schema.prepare()` first: it makes statements of the Prisma queries.',
    });
  }

  /**
   * Statements that the engine has run for {@link execute} and {@link query}; those that resolvers and
   * layers ran themselves are not among them.
   */
  get statementCount(): number {
    return this.#statementCount;
  }

  /**
   * Makes the schema ready: turns the Prisma queries of static layers into statements. Executing does
   * it too; call it where the program starts to see faults there. Opens no connection.
   *
   * @throws {PuffError} as the constructor does, and `PUFF_PRISMA_NOT_SQL` for queries that are more
   * than one statement
   */
  prepare(): Promise<this> {
    // Queries can be turned into statements once only, so a failure stays.
    this.#preparing ??= this.#prepare();
    return this.#preparing;
  }

  async #prepare(): Promise<this> {
    const { prisma = [] } = this.options;
    const clients = Array.isArray(prisma) ? prisma : [prisma];
    if (clients.length > 0) {
      const { toSql } = await import('../prisma/sql/to-sql.js');
      await Promise.all(clients.map((client) => toSql.prepare(client)));
    }
    if (this.#spec === undefined) this.#finish(await import('./schema/prisma-statement.js'));
    return this;
  }

  #finish(prisma: PrismaStatements | undefined): void {
    this.#spec = {
      sdl: this.#sdl,
      fields: this.#fields.finish(prisma),
      ...(Object.keys(this.#fields.streams).length > 0 && { streams: this.#fields.streams }),
      options: optionsSpec(this.options),
    };
  }

  #engine(): NativeSchema {
    this.#native ??= new NativeSchema(() => this.spec, { pool: this.pool });
    return this.#native;
  }

  /**
   * The context of an operation for a request, or for none.
   *
   * @param connectionParams what the client of a WebSocket sent when it connected
   */
  async contextOf(
    request?: Request,
    connectionParams?: Readonly<Record<string, unknown>>,
  ): Promise<Context> {
    const asked = schemaRequest(request, connectionParams);
    // Without the option, Context is SchemaRequest.
    return this.options.context === undefined
      ? (asked as Context)
      : await this.options.context(asked);
  }

  /** The run-time parameters of an operation with this context. */
  async settingsOf(context: Context): Promise<Readonly<Record<string, string>>> {
    return (await this.options.settings?.(context)) ?? {};
  }

  /**
   * Executes a request.
   *
   * In a wrapped route handler or server action it ends with the request, as statements do.
   *
   * @returns the response as JSON text in UTF-8, and what can be said of it without reading it
   * @throws {PuffError} what {@link prepare} throws, and when the signal is aborted
   */
  async execute(request: ExecutionRequest<Context>): Promise<ExecutionResult> {
    await this.prepare();
    const { query, variables, operationName, signal, explain = false } = request;
    const ambient = currentContext();
    const signals = [signal, ambient?.isActive ? ambient.signal : undefined].filter(
      (candidate) => candidate !== undefined,
    );
    const result = await this.#engine().execute(
      { query, operationName, variables, isExplained: explain },
      { signals, ...this.listener(() => request.context ?? this.contextOf(request.request)) },
    );
    this.#statementCount += result.statements;
    return result;
  }

  /**
   * Executes a request and reads the response; for code and tests.
   *
   * @throws as {@link execute}; errors of GraphQL are in the result
   */
  async query<Data = Record<string, unknown>>(
    request: string | ExecutionRequest<Context>,
    variables?: Readonly<Record<string, unknown>>,
  ): Promise<QueryResult<Data>> {
    const { body } = await this.execute(
      typeof request === 'string' ? { query: request, variables } : request,
    );
    return JSON.parse(textOf(body));
  }

  /**
   * Begins an operation and resolves, once the source of a subscription's events is there, with its
   * responses: one for each event, or the only one of a query or mutation. One that cannot be executed has
   * a single response, with `errors` and without `data`.
   *
   * Leaving the loop (or `return()`, or the signal) ends the source.
   *
   * @throws as {@link execute}; errors of GraphQL are in the results
   */
  async subscribe<Data = Record<string, unknown>>(
    request: string | ExecutionRequest<Context>,
    variables?: Readonly<Record<string, unknown>>,
  ): Promise<AsyncGenerator<QueryResult<Data>, void, undefined>> {
    const whole = typeof request === 'string' ? { query: request, variables } : request;
    whole.signal?.throwIfAborted();
    const source = this.source(() => whole.context ?? this.contextOf(whole.request));
    await this.prepare();
    const stream = this.#engine().subscribe(whole, source);
    return responses(stream, await stream.next(), whole.signal);
  }

  /**
   * For transports: answers what operations ask that begin in the native core. Resolvers run in the async
   * context of this call.
   *
   * @param makeContext makes the context of an operation of that client, when one is needed
   */
  source(
    makeContext: (client: HostedClient | undefined) => Context | Promise<Context>,
  ): OperationSource {
    const scope = new AsyncResource('NextPuffGraphqlSource');
    return {
      begin: (client) => {
        this.#runtime ??= new SchemaRuntime(this);
        const make = () => makeContext(client);
        return hostedOperation(this.#runtime.begin(make, answerAsk, scope));
      },
      onReport: (report) =>
        scope.runInAsyncScope(() => this.listener(() => this.contextOf()).onReport?.(report)),
    };
  }

  /**
   * For transports: answers what one operation asks of JavaScript. Resolvers run in the async context of
   * this call, and {@link prepare} must have been awaited.
   *
   * @param makeContext makes the operation's context, when one is needed; called at most once
   */
  listener(makeContext: () => Context | Promise<Context>): SchemaListener {
    this.#runtime ??= new SchemaRuntime(this);
    const { handle, report } = this.#runtime.begin(makeContext, answerAsk);
    return { onAsk: handle, onReport: report };
  }
}
