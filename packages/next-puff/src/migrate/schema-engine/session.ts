import type { StatementResult } from '../../boundary/completions.js';
import { errorOfThrown } from '../../boundary/failures.js';
import type { RowMode } from '../../boundary/rows.js';
import { loadNative } from '../../native.js';
import {
  beginSession,
  closePool,
  releaseSession,
  runScript,
  runStatement,
} from '../../postgres/statements.js';
import type { DatabaseUrl } from './database-url.js';
import { describeStatement, type StatementDescription } from './statement-description.js';

const NO_TRANSACTION = '';

let sessions = 0;

/**
 * One connection that stays the same: migrations hold a session's advisory lock and count on the
 * settings of former statements.
 */
export class Session {
  readonly url: DatabaseUrl;
  readonly #pool: number;
  readonly #session: number;

  private constructor(url: DatabaseUrl, pool: number, session: number) {
    this.url = url;
    this.#pool = pool;
    this.#session = session;
  }

  /** Connects; unqualified names are looked up in the schema that the URL names. */
  static async open(url: DatabaseUrl): Promise<Session> {
    const options = JSON.stringify({
      url: url.toString(),
      maxConnections: 1,
      applicationName: 'next-puff migrate',
      // Migrations change what prepared statements stand on.
      namedStatements: false,
    });
    sessions += 1;
    let pool: number;
    try {
      pool = loadNative().postgresPool(`migrate-${sessions}`, options);
    } catch (error) {
      throw errorOfThrown(error);
    }
    const session = await beginSession(pool, NO_TRANSACTION, {}).then(
      (id) => new Session(url, pool, id),
      async (error) => {
        await closePool(pool);
        throw error;
      },
    );
    try {
      await session.script(`set search_path to ${quoteIdentifier(url.schema)}`);
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  /** Runs one statement. */
  run(text: string, values: readonly unknown[], rowMode: RowMode): Promise<StatementResult> {
    const target = { pool: this.#pool, session: this.#session };
    return runStatement(target, text, values, { rowMode });
  }

  /** Runs one statement and returns its rows as arrays. */
  async query(text: string, values: readonly unknown[] = []): Promise<unknown[][]> {
    return (await this.run(text, values, 'array')).rows as unknown[][];
  }

  /** Runs a text of several statements as PostgreSQL takes it, in one implicit transaction. */
  async script(text: string): Promise<void> {
    await runScript({ pool: this.#pool, session: this.#session }, text);
  }

  /** Describes a statement without running it. */
  describe(text: string): Promise<StatementDescription> {
    return describeStatement(this.#session, text);
  }

  async close(): Promise<void> {
    releaseSession(this.#session);
    await closePool(this.#pool);
  }
}

/** Runs a function with a session of its own. */
export async function withSession<T>(
  url: DatabaseUrl,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await Session.open(url);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** A name as SQL writes it. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
