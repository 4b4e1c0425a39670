import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
  type Transaction,
} from '@prisma/driver-adapter-utils';
import type { StatementResult } from '../../boundary/completions.js';
import { PostgresError } from '../../errors.js';
import { ADAPTER_NAME } from '../../prisma/adapter.js';
import { adapterErrorOf } from '../../prisma/adapter-error.js';
import { parametersOf } from '../../prisma/arguments.js';
import { resultSetOf } from '../../prisma/result-set.js';
import type { Datasource } from './arguments.js';
import { DatabaseUrl } from './database-url.js';
import { Session } from './session.js';
import { type OpenDatabase, openShadowDatabase } from './shadow-database.js';

const IDENTITY = { provider: 'postgres', adapterName: ADAPTER_NAME } as const;

/** A script that PostgreSQL refused. */
export interface ScriptFailure {
  script: string;
  error: PostgresError;
}

/**
 * The driver adapter of the schema engine: as `PrismaPuff`, but each adapter is one session, because
 * the engine takes an advisory lock with one call and relies on it in the next.
 */
export class SchemaAdapterFactory implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = IDENTITY.provider;
  readonly adapterName = IDENTITY.adapterName;
  /** The last failure of a script, of which the engine itself keeps only the message. */
  scriptFailure: ScriptFailure | undefined;
  readonly #datasource: Datasource & { url: string };
  readonly #open = new Set<SessionAdapter>();

  constructor(datasource: Datasource & { url: string }) {
    this.#datasource = datasource;
  }

  connect(): Promise<SqlDriverAdapter> {
    return this.#adapter(async () => {
      const session = await Session.open(new DatabaseUrl(this.#datasource.url));
      return { session, close: () => session.close() };
    });
  }

  /** A database without anything in it, for replaying migrations. */
  connectToShadowDb(): Promise<SqlDriverAdapter> {
    return this.#adapter(() => openShadowDatabase(this.#datasource));
  }

  /** Closes what the engine has left open: it keeps its main connection to the end. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#open].map((adapter) => adapter.dispose()));
  }

  async #adapter(open: () => Promise<OpenDatabase>): Promise<SqlDriverAdapter> {
    const database = await asEngineWants(open());
    const adapter = new SessionAdapter(database.session, {
      onScriptFailure: (failure) => {
        this.scriptFailure = failure;
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

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    return withTimeTexts(resultSetOf(await this.#run(query)));
  }

  async executeRaw(query: SqlQuery): Promise<number> {
    return (await this.#run(query)).rowCount;
  }

  async executeScript(script: string): Promise<void> {
    try {
      await this.#session.script(script);
    } catch (error) {
      if (!(error instanceof PostgresError)) throw adapterErrorOf(error);
      this.#owner.onScriptFailure({ script, error });
      throw new DriverAdapterError(serverError(error));
    }
  }

  /** The engine says `COMMIT` and `ROLLBACK` itself; `commit` and `rollback` only end the object. */
  async startTransaction(isolationLevel?: string): Promise<Transaction> {
    const sql = isolationLevel ? `BEGIN ISOLATION LEVEL ${isolationLevel}` : 'BEGIN';
    await this.#run({ sql, args: [], argTypes: [] });
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

  #run(query: SqlQuery): Promise<StatementResult> {
    return asEngineWants(this.#session.run(query.sql, parametersOf(query), 'plain'));
  }
}

/** Prisma Client reads milliseconds as a point in time, the schema engine only texts. */
function withTimeTexts(result: SqlResultSet): SqlResultSet {
  result.columnTypes.forEach((type, index) => {
    if (type !== ColumnTypeEnum.DateTime) return;
    for (const row of result.rows) {
      if (typeof row[index] === 'number') row[index] = new Date(row[index]).toISOString();
    }
  });
  return result;
}

async function asEngineWants<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw adapterErrorOf(error);
  }
}

/** What PostgreSQL said of a script: that it was a unique violation is of no use without the message. */
function serverError(error: PostgresError) {
  const { sqlState: code, severity = 'ERROR', message, detail, column, hint } = error;
  return { kind: 'postgres', code, severity, message, detail, column, hint } as const;
}
