import { PostgresRefusedError, PostgresUnavailableError } from '../../errors.js';
import type { DatabaseUrl } from './database-url.js';
import { quoteIdentifier, withSession } from './session.js';

/** What one can be connected to for creating the database that one wants. */
const MAINTENANCE_DATABASES = ['postgres', 'template1'];

/** Connects once. */
export async function connect(url: DatabaseUrl): Promise<void> {
  await withSession(url, async () => {});
}

/** Creates the database that a URL names. */
export async function createDatabase(url: DatabaseUrl): Promise<void> {
  await onMaintenanceDatabase(url, `create database ${quoteIdentifier(url.database)}`);
}

/** Drops the database that a URL names. */
export async function dropDatabase(url: DatabaseUrl): Promise<void> {
  await onMaintenanceDatabase(url, `drop database ${quoteIdentifier(url.database)}`);
}

async function onMaintenanceDatabase(url: DatabaseUrl, statement: string): Promise<void> {
  for (const name of MAINTENANCE_DATABASES) {
    const isLast = name === MAINTENANCE_DATABASES.at(-1);
    try {
      return await withSession(url.withDatabase(name), (session) => session.script(statement));
    } catch (error) {
      if (isLast || !(error instanceof PostgresRefusedError)) throw error;
    }
  }
}

/** A failure to connect, with Prisma's code and in Prisma's words. */
export interface ConnectFailure {
  code: string;
  message: string;
}

/** Describes a failure to connect or to create a database; `undefined` for any other error. */
export function connectFailure(error: unknown, url: DatabaseUrl): ConnectFailure | undefined {
  const { host, port, user, database } = url;
  const address = `${host}:${port}`;
  if (error instanceof PostgresUnavailableError) {
    return {
      code: 'P1001',
      message: `Can't reach database server at \`${address}\`\n\nPlease make sure your database server is running at \`${address}\`.`,
    };
  }
  const { sqlState, code, message } = error as {
    sqlState?: string;
    code?: string;
    message: string;
  };
  switch (sqlState) {
    case '3D000':
      return { code: 'P1003', message: `Database \`${database}\` does not exist` };
    case '42P04':
      return { code: 'P1009', message: `Database \`${database}\` already exists` };
    case '28P01':
      return {
        code: 'P1000',
        message: `Authentication failed against database server, the provided database credentials for \`${user}\` are not valid.\n\nPlease make sure to provide valid database credentials for the database server at \`${address}\`.`,
      };
    case '28000':
    case '42501':
      return {
        code: 'P1010',
        message: `User \`${user}\` was denied access on the database \`${database}\`: ${message}`,
      };
  }
  if (error instanceof PostgresRefusedError) {
    return { code: 'P1011', message };
  }
  if (code === 'PUFF_POSTGRES_CONFIG') {
    return { code: 'P1013', message: `The provided database string is invalid. ${message}` };
  }
  return undefined;
}
