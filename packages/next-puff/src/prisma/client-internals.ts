/**
 * All that next-puff knows of the inside of a Prisma client. It was read in the versions below; others
 * are refused, because what is not exactly as expected would go wrong silently.
 */

import { PuffError } from '../errors.js';
import { isCaptured } from './captures.js';

/** The versions of Prisma whose clients are known inside. */
export const SUPPORTED_VERSIONS: readonly string[] = ['7.10.0'];

/** A query as the client hands it to its engine (Prisma's JSON protocol). */
export interface ProtocolQuery {
  modelName?: string;
  action: string;
  query: unknown;
}

/** What a client asks of its data loader. */
export interface ClientRequest {
  protocolQuery: ProtocolQuery;
  /** As in `user.findMany`. */
  clientMethod: string;
  /** What fluent calls take out of the result. */
  dataPath: readonly string[];
  /** Takes the answer of `count` and the like out of the result. */
  unpacker?: (data: unknown) => unknown;
  /** What `$extends` added. */
  extensions: { isEmpty(): boolean };
}

/** Collects queries for unique records and asks for those of one tick together. */
export interface DataLoader {
  readonly options: unknown;
  request(request: ClientRequest): Promise<unknown>;
}

/** What a client knows of its schema. */
export interface RuntimeDataModel {
  models: Record<string, { fields: readonly ModelField[] }>;
}

/** A field of a model; `type` is a scalar, or the name of an enum or of another model. */
export interface ModelField {
  name: string;
  kind: 'scalar' | 'enum' | 'object' | 'unsupported';
  type: string;
}

/** The configuration of a client's engine. */
export interface EngineConfig {
  adapter: unknown;
  activeProvider: string;
  inlineSchema: string;
  previewFeatures: readonly string[];
  parameterizationSchema: { strings: string[]; graph: string };
  runtimeDataModel: RuntimeDataModel;
  compilerWasm: {
    /** The module that the engine has loaded, once it has started. */
    getRuntime(): Promise<CompilerRuntime>;
  };
}

/** The query compiler's module. */
export interface CompilerRuntime {
  QueryCompiler: new (options: {
    datamodel: string;
    provider: string;
    connectionInfo: object;
  }) => QueryCompiler;
}

/** Makes plans of queries. */
export interface QueryCompiler {
  compile(query: string): unknown;
}

/** The inside of a client. */
export interface ClientInternals {
  loader: DataLoader;
  config: EngineConfig;
}

interface Client {
  _clientVersion?: unknown;
  _requestHandler?: { dataloader?: Partial<DataLoader> };
  _engineConfig?: Partial<EngineConfig>;
}

/**
 * The inside of a client of a supported version.
 *
 * @param operation what it is needed for
 * @throws {PuffError} `PUFF_PRISMA_CLIENT` when it is no Prisma client, `PUFF_PRISMA_VERSION` when its
 * version is not supported
 */
export function internalsOf(client: object, operation: string): ClientInternals {
  const { _clientVersion: version, _requestHandler, _engineConfig } = client as Client;
  if (typeof version !== 'string') {
    throw new PuffError(
      'PUFF_PRISMA_CLIENT',
      `${operation} was given something that is no PrismaClient.`,
      {
        operation,
        hint: 'Give it what `new PrismaClient({ adapter })` returned.',
      },
    );
  }
  if (!SUPPORTED_VERSIONS.includes(version)) {
    throw new PuffError(
      'PUFF_PRISMA_VERSION',
      `${operation} does not know the inside of Prisma ${version}; it knows ${SUPPORTED_VERSIONS.join(', ')}.`,
      {
        operation,
        hint: `Install @prisma/client and prisma in version ${SUPPORTED_VERSIONS.at(-1)}. PrismaPuff itself works with ${version} all the same.`,
      },
    );
  }
  const loader = _requestHandler?.dataloader;
  if (typeof loader?.request !== 'function' || _engineConfig?.compilerWasm === undefined) {
    throw new PuffError(
      'PUFF_PRISMA_CLIENT',
      `${operation} was given a client that is not like those of Prisma ${version}.`,
      { operation, hint: 'Give it the PrismaClient itself, not a wrapper around it.' },
    );
  }
  return { loader: loader as DataLoader, config: _engineConfig as EngineConfig };
}

/** Chooses where a client's queries are collected; the client's own loader if it returns nothing. */
export type LoaderChoice = () => DataLoader | undefined;

const choices = new WeakMap<DataLoader, LoaderChoice>();
const hooked = new WeakSet<object>();

/** What never resolves, and keeps nobody who waits for it in memory. */
// biome-ignore lint/suspicious/noThenProperty: it is to be awaited
const NEVER = { then() {} } as unknown as Promise<never>;

/**
 * Lets `toSql` take the queries of a client and of all others of the same copy of Prisma, so that
 * none of them can run by mistake. Hooking twice does nothing.
 */
export function hookQueries({ loader }: ClientInternals): void {
  const prototype = Object.getPrototypeOf(loader) as DataLoader;
  if (hooked.has(prototype)) return;
  hooked.add(prototype);
  const { request } = prototype;
  prototype.request = function hookedRequest(this: DataLoader, query) {
    if (isCaptured(query, this)) return NEVER;
    return request.call(choices.get(this)?.() ?? this, query);
  };
}

/** Collects a client's queries where the function says. */
export function chooseLoader(internals: ClientInternals, choice: LoaderChoice): void {
  hookQueries(internals);
  choices.set(internals.loader, choice);
}

/** A loader like another, which collects queries of its own. */
export function siblingOf(loader: DataLoader): DataLoader {
  const Loader = loader.constructor as new (options: unknown) => DataLoader;
  return new Loader(loader.options);
}
