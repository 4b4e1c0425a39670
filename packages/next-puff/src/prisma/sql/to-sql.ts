import { PuffError } from '../../errors.js';
import { capture } from '../captures.js';
import {
  type ClientRequest,
  type DataLoader,
  hookQueries,
  internalsOf,
  type ProtocolQuery,
} from '../client-internals.js';
import { PrismaPuff } from '../prisma-puff.js';
import { refusal } from './refusal.js';
import { ShapeCompiler } from './shape-compiler.js';
import { CapturedStatement, type PrismaStatement, WrittenStatement } from './statement.js';

/** What a Prisma client's method returns, before it is awaited. */
export interface UnawaitedQuery<T> extends PromiseLike<T> {
  readonly [Symbol.toStringTag]: 'PrismaPromise';
}

/** `` Prisma.sql`...` ``, or a function of TypedSQL. */
export interface WrittenSql {
  /** With `$1`, `$2`, ...; what `Prisma.sql` calls `sql` has question marks. */
  readonly text?: string;
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Turns queries into SQL; see {@link ToSql.prepare}. */
export interface ToSql {
  /**
   * Turns a query that was not awaited into the statement that Prisma would run, without running
   * anything: `toSql(prisma.user.findMany({ where: { id } }))`. The query cannot be awaited after.
   *
   * Only queries that are one statement, and whose rows are the result, can be; all others are refused.
   *
   * @throws {PuffError} `PUFF_PRISMA_NOT_SQL` with the reason and what to do instead;
   * `PUFF_PRISMA_NOT_PREPARED` for a client that was not prepared
   */
  <T>(query: UnawaitedQuery<T>): PrismaStatement<T>;
  /** The statement of `` Prisma.sql`...` `` or of a function of TypedSQL. */
  <T = unknown[]>(written: WrittenSql): PrismaStatement<T>;
  /**
   * Loads what the queries of a client need, once per client; opens no connection.
   *
   * @throws {PuffError} `PUFF_PRISMA_VERSION` when its version is not supported, `PUFF_PRISMA_CLIENT`
   * when it is no Prisma client
   */
  prepare(client: PreparableClient): Promise<void>;
}

/** A client whose queries can be prepared. */
export interface PreparableClient {
  $connect(): Promise<void>;
}

const compilers = new WeakMap<DataLoader, ShapeCompiler>();
let isAnyPrepared = false;

async function prepare(client: PreparableClient): Promise<void> {
  const internals = internalsOf(client, 'toSql');
  if (compilers.has(internals.loader)) return;
  const { adapter } = internals.config;
  const schema = adapter instanceof PrismaPuff ? adapter.schema : undefined;
  const compiler = await ShapeCompiler.of(internals, schema, () => client.$connect());
  hookQueries(internals);
  compilers.set(internals.loader, compiler);
  isAnyPrepared = true;
}

function toStatement<T>(query: UnawaitedQuery<T> | WrittenSql): PrismaStatement<T> {
  if (isUnawaited(query)) return captureStatement(query);
  if (typeof query?.sql === 'string' && Array.isArray(query.values)) {
    return new WrittenStatement(query.text ?? query.sql, query.values);
  }
  throw refusal(
    'is neither a query of a Prisma client nor Prisma.sql',
    'Give toSql the query itself, without await: toSql(prisma.user.findMany()).',
  );
}

/**
 * The statement of a query that was not awaited.
 *
 * @param complete may change the query, as Prisma writes it for its engine, before it is compiled
 */
export function captureStatement<T>(
  query: UnawaitedQuery<T>,
  complete?: (query: ProtocolQuery, compiler: ShapeCompiler) => void,
): CapturedStatement<T> {
  // A client that nobody prepared has no hook yet: looking at its query would run it.
  if (!isAnyPrepared) throw notPrepared();
  const captured = capture(() => {
    query.then(ignore, ignore);
  });
  spend(query);
  if (captured === undefined) {
    throw refusal(
      'did not reach the engine at once: its client has extensions ($extends), or its arguments are invalid',
      'Make it with the client that was extended; await it to see whether Prisma takes its arguments.',
    );
  }
  const { request, loader } = captured;
  const compiler = compilers.get(loader);
  if (compiler === undefined) throw notPrepared();
  checkRequest(request);
  complete?.(request.protocolQuery, compiler);
  const { shape, values } = compiler.compile(request.protocolQuery);
  return new CapturedStatement(shape, values, request.unpacker, compiler.runtime);
}

function isUnawaited(query: unknown): query is UnawaitedQuery<unknown> {
  return (
    typeof query === 'object' &&
    query !== null &&
    (query as UnawaitedQuery<unknown>)[Symbol.toStringTag] === 'PrismaPromise'
  );
}

function checkRequest({ protocolQuery, extensions, dataPath }: ClientRequest): void {
  if (!extensions.isEmpty()) {
    throw refusal(
      'belongs to a client with extensions ($extends), which may change its result',
      'Make it with the client that was extended.',
    );
  }
  if (protocolQuery.modelName === undefined) {
    throw refusal('is raw SQL already', 'Give toSql the Prisma.sql`...` template itself.');
  }
  if (dataPath.length > 0) {
    throw refusal(
      'takes a relation out of another query (a fluent call)',
      'Query the related model, with a condition on the relation.',
    );
  }
}

function notPrepared(): PuffError {
  return new PuffError(
    'PUFF_PRISMA_NOT_PREPARED',
    'The client of this query was not prepared for toSql.',
    {
      operation: 'toSql',
      hint: 'Call `await toSql.prepare(prisma)` once, where the program starts.',
    },
  );
}

function ignore(): void {}

/** A query that was looked at never runs: awaiting it must not wait for ever. */
function spend(query: UnawaitedQuery<unknown>): void {
  Object.assign(query, SPENT);
}

const SPENT: Pick<Promise<never>, 'then' | 'catch' | 'finally'> = {
  // biome-ignore lint/suspicious/noThenProperty: it replaces that of a promise
  then: (onFulfilled, onRejected) => rejectSpent().then(onFulfilled, onRejected),
  catch: (onRejected) => rejectSpent().catch(onRejected),
  finally: (onFinally) => rejectSpent().finally(onFinally),
};

async function rejectSpent(): Promise<never> {
  throw new PuffError('PUFF_PRISMA_SPENT', 'A query that was given to toSql cannot run.', {
    operation: 'toSql',
    hint: 'Make the query anew, or run the statement with postgres.query(sql, params).',
  });
}

/** Turns Prisma queries into SQL without running them. */
export const toSql: ToSql = Object.assign(toStatement, { prepare }) as ToSql;
