import { calls } from '../../boundary/calls.js';
import type { NativeResponse } from '../../boundary/completions.js';
import { errorOfThrown } from '../../boundary/failures.js';
import { InternalError, NotConfiguredError, PuffError } from '../../errors.js';
import { type Boundary, loadNative } from '../../native.js';
import { Database } from '../../postgres/database.js';
import { type HostedListener, hostedOperations } from './hosted-operations.js';
import { NativeOperation, type ReportedFailure } from './operation.js';
import type { AskHandler, NativeRequest } from './protocol.js';
import { ResponseStream } from './response-stream.js';

/** How a schema is registered with the engine. */
export interface NativeSchemaOptions {
  /** The name of the pool that statements run on. */
  pool: string;
  /** The options of GraphQL over HTTP, as `http/options.rs` reads them. */
  http?: object;
}

/** How an operation is run. */
export interface OperationOptions {
  /** Aborting any of them rejects at once and cancels what runs. */
  signals?: readonly AbortSignal[];
  /** Answers what the operation asks; must not throw. Without it, asking fails. */
  onAsk?: AskHandler;
  /** Takes failures of statements whose messages clients do not see; logs them if not given. */
  onReport?: (report: ReportedFailure) => void;
}

/** Knows operations that begin in the core. */
export interface OperationSource {
  begin: HostedListener['begin'];
  /** Takes failures of statements, as {@link OperationOptions.onReport}. */
  onReport: (report: ReportedFailure) => void;
}

/** What came of a request. */
export interface ExecutionResult {
  /** The response as JSON, in UTF-8. */
  body: Uint8Array<ArrayBuffer>;
  /** Whether it was executed: the response has `data`, maybe null. */
  isExecuted: boolean;
  /** Whether the response has `errors`. */
  hasErrors: boolean;
  /** Statements that the engine ran; those of resolvers are not among them. */
  statements: number;
}

/** A request over HTTP. */
export interface NativeHttpRequest {
  method: string;
  /** What comes after the `?` of the URL. */
  search?: string | undefined;
  headers: { get(name: string): string | null };
  body?: Uint8Array | undefined;
}

const NO_BODY = new Uint8Array();
const NO_SIGNALS: readonly AbortSignal[] = [];
/** The core keeps a limited number of schemas. */
const FORGOTTEN = 'PUFF_GRAPHQL_FORGOTTEN';

interface Registered {
  schema: number;
  /** 0 for none. */
  pool: number;
}

/**
 * A schema in the native engine; isolates that have the same schema share it.
 *
 * It is registered at its first use, which connects to nothing.
 */
export class NativeSchema {
  readonly #spec: () => object;
  readonly #options: NativeSchemaOptions;
  #registered: Registered | undefined;
  #headers: readonly string[] | undefined;

  /** @param spec makes the schema as `spec.rs` reads it; called when it is registered */
  constructor(spec: () => object, options: NativeSchemaOptions) {
    this.#spec = spec;
    this.#options = options;
  }

  /**
   * Registers the schema now, to find its faults.
   *
   * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` when the engine refuses it
   */
  register(): void {
    this.#registered ??= this.#register();
  }

  /**
   * Executes a request.
   *
   * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` when the engine refuses the schema
   */
  async execute(request: NativeRequest, options: OperationOptions = {}): Promise<ExecutionResult> {
    const { query, operationName, variables, isExplained = false } = request;
    const values = variables ? JSON.stringify(variables) : undefined;
    const name = operationName ?? undefined;
    const { body, status, statements } = await this.#submit(options, (boundary, call, schema) =>
      boundary.graphqlExecute(call, schema, query, name, values, isExplained),
    );
    return { body, isExecuted: status > 0, hasErrors: status !== 1, statements };
  }

  /**
   * Begins an operation whose responses come one by one; before the first of a subscription comes an empty
   * chunk, once the source of its events is there.
   *
   * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` when the engine refuses the schema
   */
  subscribe(request: NativeRequest, source: OperationSource): ResponseStream {
    const { query, operationName, variables } = request;
    const values = variables ? JSON.stringify(variables) : undefined;
    const name = operationName ?? undefined;
    this.register();
    const listener = this.listen(source);
    try {
      return new ResponseStream(
        this.#start((schema) =>
          calls().boundary.graphqlSubscribe(schema, query, name, values, listener),
        ),
      );
    } catch (error) {
      hostedOperations().unlisten(listener);
      throw errorOfThrown(error);
    }
  }

  /** Registers who knows operations that begin in the core; it is released with them. */
  listen(source: OperationSource): number {
    return hostedOperations().listen({
      pool: () => this.#registered?.pool ?? 0,
      begin: source.begin,
      report: source.onReport,
    });
  }

  /**
   * Answers a request over HTTP.
   *
   * @param source is asked about an operation that goes on when the request was answered; without it there
   * must be none
   * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` when the engine refuses the schema
   */
  http(
    request: NativeHttpRequest,
    options: OperationOptions = {},
    source?: OperationSource,
  ): Promise<NativeResponse> {
    const { method, search, body = NO_BODY } = request;
    const headers: { [name: string]: string } = {};
    this.#headers ??= loadNative().graphqlRequestHeaders();
    for (const name of this.#headers) {
      const value = request.headers.get(name);
      if (value !== null) headers[name] = value;
    }
    const listener = source === undefined ? 0 : this.listen(source);
    return this.#submit(options, (boundary, call, schema) =>
      boundary.graphqlHttp(call, schema, method, search, JSON.stringify(headers), body, listener),
    );
  }

  /** Registers the schema and returns its number in the core. */
  get id(): number {
    this.register();
    return (this.#registered as Registered).schema;
  }

  async #submit(
    options: OperationOptions,
    start: (boundary: Boundary, call: number, schema: number) => void,
  ): Promise<NativeResponse> {
    const { signals = NO_SIGNALS, onAsk = refuseAsk, onReport = logReport } = options;
    this.register();
    const { pool } = this.#registered as Registered;
    const operation = new NativeOperation(pool, signals, { onAsk, onReport });
    try {
      const completion = await calls().submit(
        (boundary, call) => {
          operation.begin(call);
          this.#start((schema) => start(boundary, call, schema));
        },
        { signals, onPartial: operation.take },
      );
      if (completion.kind === 'response') return completion.response;
      throw new InternalError(`The native core answered with ${completion.kind}.`);
    } finally {
      operation.end();
    }
  }

  /** Starts a call; the core may have forgotten the schema, or its pool may have been closed. */
  #start<T>(start: (schema: number) => T): T {
    try {
      return start((this.#registered as Registered).schema);
    } catch (error) {
      if (errorOfThrown(error).code !== FORGOTTEN) throw error;
      this.#registered = this.#register();
      return start(this.#registered.schema);
    }
  }

  #register(): Registered {
    const { http = {} } = this.#options;
    const pool = poolOf(this.#options.pool);
    try {
      const spec = JSON.stringify(this.#spec());
      const schema = loadNative().graphqlSchema(spec, pool, JSON.stringify(http));
      return { schema, pool };
    } catch (error) {
      throw error instanceof PuffError ? error : errorOfThrown(error);
    }
  }
}

/** The pool's id; a schema without statements needs none. */
function poolOf(name: string): number {
  try {
    return new Database(name).nativePool();
  } catch (error) {
    if (error instanceof NotConfiguredError) return 0;
    throw error;
  }
}

function refuseAsk(): never {
  throw new Error('nobody is there to answer');
}

function logReport({ coordinate, failure }: ReportedFailure): void {
  console.error(`[next-puff] GraphQL: ${coordinate} failed (${failure.code}): ${failure.message}`);
}
