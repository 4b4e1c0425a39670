import type {
  SqlDriverAdapter,
  SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import { Database, DEFAULT_POOL } from '../postgres/database.js';
import { ADAPTER_NAME, PuffAdapter } from './adapter.js';
import { connectToShadowDatabase } from './shadow-database.js';

/** What a {@link PrismaPuff} is made from. */
export interface PrismaPuffOptions {
  /** A pool in `postgres.pools` of `puff.config.ts`; the default pool otherwise. */
  pool?: string;
  /** The schema of tables that the Prisma schema gives none; default `public`. */
  schema?: string;
}

/**
 * Prisma's driver adapter on the pools of next-puff: `new PrismaClient({ adapter: new PrismaPuff() })`.
 *
 * No connection is opened before the first query. `$disconnect()` leaves the pool to its other users.
 * Prisma's errors keep their codes; see the documentation for what differs from `@prisma/adapter-pg`.
 */
export class PrismaPuff implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName = ADAPTER_NAME;
  /** The name of the pool. */
  readonly pool: string;
  /** The schema of tables that the Prisma schema gives none. */
  readonly schema: string | undefined;
  #database: Database;

  constructor(options: PrismaPuffOptions = {}) {
    this.pool = options.pool ?? DEFAULT_POOL;
    this.schema = options.schema;
    this.#database = new Database(this.pool, { isDetached: true });
  }

  async connect(): Promise<SqlDriverAdapter> {
    return new PuffAdapter({ database: () => this.#database, schema: this.schema });
  }

  /** Makes an empty database on the same server; disposing of the adapter drops it. */
  connectToShadowDb(): Promise<SqlDriverAdapter> {
    return connectToShadowDatabase(this.pool, this.schema);
  }

  /** Lets statements belong to the transaction and the request that the calling code is in. @internal */
  join(): void {
    this.#database = new Database(this.pool);
  }
}
