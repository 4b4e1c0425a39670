import { PuffError } from '../errors.js';
import { Database } from '../postgres/database.js';
import { chooseLoader, type DataLoader, internalsOf, siblingOf } from './client-internals.js';
import { requestLoan } from './loans.js';
import { PrismaPuff } from './prisma-puff.js';

/** What a Prisma client is at least. */
export interface PrismaClientLike {
  $executeRawUnsafe(query: string, ...values: unknown[]): PromiseLike<number>;
}

/**
 * Lets a client whose adapter is a {@link PrismaPuff} share connections and transactions with
 * `postgres`.
 *
 * Its queries then belong to the `postgres.transaction()` or the request that the calling code is in:
 * they run in its transaction, where it has one, and are cancelled with it. Prisma's own
 * `$transaction()` is a savepoint there. Returns the same client; call it once, where the client is
 * made.
 *
 * @throws {PuffError} `PUFF_PRISMA_CLIENT` when the client has another adapter, `PUFF_PRISMA_VERSION`
 * when its version is not supported
 */
export function borrowDatabase<Client extends PrismaClientLike>(client: Client): Client;
/**
 * Runs a function whose `postgres` statements belong to an interactive transaction of Prisma's:
 * `prisma.$transaction((tx) => borrowDatabase(tx, () => postgres.query(...)))`.
 *
 * @param transaction the client that `$transaction` gave to its callback
 * @throws {PuffError} `PUFF_PRISMA_CLIENT` when it is no such client, or of another adapter
 */
export function borrowDatabase<T>(transaction: PrismaClientLike, fn: () => Promise<T>): Promise<T>;
export function borrowDatabase<T>(
  client: PrismaClientLike,
  fn?: () => Promise<T>,
): PrismaClientLike | Promise<T> {
  return fn === undefined ? share(client) : runIn(client, fn);
}

function share(client: PrismaClientLike): PrismaClientLike {
  const internals = internalsOf(client, 'borrowDatabase');
  const { adapter } = internals.config;
  if (!(adapter instanceof PrismaPuff)) {
    throw new PuffError(
      'PUFF_PRISMA_CLIENT',
      'borrowDatabase was given a client without PrismaPuff.',
      {
        operation: 'borrowDatabase',
        hint: 'Make it with `new PrismaClient({ adapter: new PrismaPuff() })`.',
      },
    );
  }
  adapter.join();
  const database = new Database(adapter.pool);
  // Prisma collects queries for unique records of one tick, whoever asks for them, and runs them all
  // where the first was asked for: in a transaction, or with a deadline, that is not the others'.
  const loaders = new WeakMap<object, DataLoader>();
  chooseLoader(internals, () => {
    const scope = database.scope();
    if (scope === undefined) return undefined;
    let loader = loaders.get(scope);
    if (loader === undefined) {
      loader = siblingOf(internals.loader);
      loaders.set(scope, loader);
    }
    return loader;
  });
  return client;
}

async function runIn<T>(client: PrismaClientLike, fn: () => Promise<T>): Promise<T> {
  const loan = await requestLoan((mark) => client.$executeRawUnsafe(mark));
  if (loan === undefined) {
    throw new PuffError(
      'PUFF_PRISMA_CLIENT',
      'borrowDatabase was given no transaction of PrismaPuff.',
      {
        operation: 'borrowDatabase',
        hint: 'Give it the client that `prisma.$transaction(async (tx) => ...)` hands to its callback.',
      },
    );
  }
  return loan.within(fn);
}
