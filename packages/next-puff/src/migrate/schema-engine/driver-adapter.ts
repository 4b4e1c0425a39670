import {
  type ColumnType,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
  type Transaction,
} from '@prisma/driver-adapter-utils';
import { type ColumnDescription, Kind } from '../../boundary/rows.js';
import { PostgresError } from '../../errors.js';
import type { Datasource } from './arguments.js';
import { DatabaseUrl } from './database-url.js';
import { driverError } from './driver-error.js';
import { Session } from './session.js';
import { type OpenDatabase, openShadowDatabase } from './shadow-database.js';

/** OID of `"char"`, the single byte in which system catalogs keep what they list. */
const INTERNAL_CHAR = 18;

const IDENTITY = { provider: 'postgres', adapterName: 'next-puff' } as const;

/**
 * The driver adapter of the schema engine. Each adapter is one session, because the engine takes an
 * advisory lock with one call and relies on it in the next.
 */
export class SchemaAdapterFactory implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = IDENTITY.provider;
  readonly adapterName = IDENTITY.adapterName;
  readonly #datasource: Datasource & { url: string };
  readonly #open = new Set<SessionAdapter>();
  #scriptFailure: ScriptFailure | undefined;

  constructor(datasource: Datasource & { url: string }) {
    this.#datasource = datasource;
  }

  connect(): Promise<SqlDriverAdapter> {
    const url = new DatabaseUrl(this.#datasource.url);
    return this.#adapter(url, async () => {
      const session = await Session.open(url);
      return { session, close: () => session.close() };
    });
  }

  /** A database without anything in it, for replaying migrations. */
  connectToShadowDb(): Promise<SqlDriverAdapter> {
    return this.#adapter(new DatabaseUrl(this.#datasource.url), () =>
      openShadowDatabase(this.#datasource),
    );
  }

  /** The last failure of a script, of which the engine itself keeps only the message. */
  get scriptFailure(): ScriptFailure | undefined {
    return this.#scriptFailure;
  }

  /** Closes what the engine has left open: it keeps its main connection to the end. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#open].map((adapter) => adapter.dispose()));
  }

  async #adapter(url: DatabaseUrl, open: () => Promise<OpenDatabase>): Promise<SqlDriverAdapter> {
    let database: OpenDatabase;
    try {
      database = await open();
    } catch (error) {
      throw driverError(error, url);
    }
    const adapter = new SessionAdapter(database.session, {
      onScriptFailure: (failure) => {
        this.#scriptFailure = failure;
      },
      close: async () => {
        this.#open.delete(adapter);
        await database.close();
      },
    });
    this.#open.add(adapter);
    return adapter;
  }
}

/** A script that PostgreSQL refused. */
export interface ScriptFailure {
  script: string;
  error: PostgresError;
}

interface SessionOwner {
  onScriptFailure(failure: ScriptFailure): void;
  close(): Promise<void>;
}

class SessionAdapter implements SqlDriverAdapter {
  readonly provider = IDENTITY.provider;
  readonly adapterName = IDENTITY.adapterName;
  readonly #session: Session;
  readonly #owner: SessionOwner;
  #isOpen = true;

  constructor(session: Session, owner: SessionOwner) {
    this.#session = session;
    this.#owner = owner;
  }

  async queryRaw({ sql, args }: SqlQuery): Promise<SqlResultSet> {
    const { columns, rows } = await this.#run(sql, args);
    return {
      columnNames: columns.map(([name]) => name),
      columnTypes: columns.map(columnType),
      rows: rows.map((row) => row.map(engineValue)),
    };
  }

  async executeRaw({ sql, args }: SqlQuery): Promise<number> {
    return (await this.#run(sql, args)).rowCount;
  }

  async executeScript(script: string): Promise<void> {
    try {
      await this.#session.script(script);
    } catch (error) {
      if (error instanceof PostgresError) this.#owner.onScriptFailure({ script, error });
      throw driverError(error, this.#session.url);
    }
  }

  /** The engine says `COMMIT` and `ROLLBACK` itself; `commit` and `rollback` only end the object. */
  async startTransaction(isolationLevel?: string): Promise<Transaction> {
    await this.#run(isolationLevel ? `BEGIN ISOLATION LEVEL ${isolationLevel}` : 'BEGIN', []);
    return {
      ...IDENTITY,
      options: { usePhantomQuery: false },
      queryRaw: (query) => this.queryRaw(query),
      executeRaw: (query) => this.executeRaw(query),
      commit: async () => {},
      rollback: async () => {},
    };
  }

  getConnectionInfo() {
    return { schemaName: this.#session.url.schema, supportsRelationJoins: true };
  }

  async dispose(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#owner.close();
  }

  async #run(sql: string, args: readonly unknown[]) {
    try {
      return await this.#session.query(sql, args);
    } catch (error) {
      throw driverError(error, this.#session.url);
    }
  }
}

/** How the engine is to read the cells of a column. */
function columnType([, kind, isArray, type]: ColumnDescription): ColumnType {
  if (type === INTERNAL_CHAR) return ColumnTypeEnum.Character;
  switch (kind) {
    case Kind.Int:
      return isArray ? ColumnTypeEnum.Int32Array : ColumnTypeEnum.Int32;
    case Kind.Int8Number:
    case Kind.BigInt:
      return isArray ? ColumnTypeEnum.Int64Array : ColumnTypeEnum.Int64;
    case Kind.Float:
      return isArray ? ColumnTypeEnum.DoubleArray : ColumnTypeEnum.Double;
    case Kind.Bool:
      return isArray ? ColumnTypeEnum.BooleanArray : ColumnTypeEnum.Boolean;
    case Kind.Date:
      return isArray ? ColumnTypeEnum.DateTimeArray : ColumnTypeEnum.DateTime;
    case Kind.Json:
      return isArray ? ColumnTypeEnum.JsonArray : ColumnTypeEnum.Json;
    case Kind.Bytes:
      return isArray ? ColumnTypeEnum.BytesArray : ColumnTypeEnum.Bytes;
    default:
      return isArray ? ColumnTypeEnum.TextArray : ColumnTypeEnum.Text;
  }
}

/** The engine reads no Date, no bigint and no JSON value. */
function engineValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(engineValue);
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    return JSON.stringify(value);
  }
  return value;
}
