import type { PostgresError } from '../../errors.js';
import type { DatabaseUrl } from './database-url.js';
import { currentMigrator, failureReasons, noteFailure } from './migration-history.js';
import type { ScriptFailure } from './schema-adapter.js';

/** A failure as Prisma prints it. */
export class EngineFailure extends Error {
  /** Prisma's code, for example `P3018`. */
  readonly code: string | undefined;

  constructor(message: string, code?: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Makes a failure of the WebAssembly engine as clear as the native engine's: without the names of the
 * engine's own functions, and with the code, the migration and the place for a script that PostgreSQL
 * refused.
 */
export function engineFailure(error: unknown, script: ScriptFailure | undefined): EngineFailure {
  if (error instanceof EngineFailure) return error;
  const { code, message = String(error) } = error as { code?: string; message?: string };
  const readable = message
    .replace(/\n {3}0: [\s\S]*$/, '')
    .replace(/external connector error\n/g, '')
    .replace(/Error querying the database: /g, '');
  if (!script) return new EngineFailure(readable, code, error);
  const database = describe(script);
  if (code !== undefined) {
    const [before = ''] = readable.split(/(?:Error code: .*\n)?Error:\n/);
    return new EngineFailure(`${before}${database}`, code, error);
  }
  // Only the trace of the engine's functions, which is cut off above, has the name.
  const [, migration] = /migration_name="([^"]*)"/.exec(message) ?? [];
  if (migration === undefined) return scriptRefused(script);
  return new EngineFailure(
    'A migration failed to apply. New migrations cannot be applied before the error is recovered from. ' +
      'Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve\n\n' +
      `Migration name: ${migration}\n\n${database}`,
    'P3018',
    error,
  );
}

/** The failure of a script that is no migration. */
export function scriptRefused(failure: ScriptFailure): EngineFailure {
  return new EngineFailure(describe(failure), undefined, failure.error);
}

/**
 * Adds what the database knows: why former migrations failed, or who holds the lock. The reason of a
 * new failure is written there.
 */
export async function withHistory(
  failure: EngineFailure,
  url: DatabaseUrl,
): Promise<EngineFailure> {
  const { code, message } = failure;
  try {
    if (code === 'P3018') {
      const [, name = '', reason = ''] = /^Migration name: (.*)\n\n([\s\S]*)/m.exec(message) ?? [];
      await noteFailure(url, name, reason);
    } else if (code === 'P3009') {
      const reasons = await failureReasons(url);
      return new EngineFailure([message.trimEnd(), ...reasons].join('\n\n'), code, failure);
    } else if (code === 'P1002' && message.includes('advisory lock')) {
      const who = await currentMigrator(url);
      const text =
        'Another process is migrating this database, and had not ended after 10 seconds' +
        `${who === undefined ? '' : `: ${who}`}.\n\n` +
        'Run this again when it has. Prisma Migrate takes the advisory lock 72707369; see https://pris.ly/d/migrate-advisory-locking';
      return new EngineFailure(text, code, failure);
    }
  } catch {
    // It would only have been an addition.
  }
  return failure;
}

function describe({ error, script }: ScriptFailure): string {
  const lines = [
    `Database error code: ${error.sqlState}`,
    '',
    'Database error:',
    `${error.severity ?? 'ERROR'}: ${error.message.replace(`\n${error.hint}`, '')}`,
    ...(error.detail ? [`DETAIL: ${error.detail}`] : []),
    ...(error.hint ? [`HINT: ${error.hint}`] : []),
    ...(error.where ? [`CONTEXT: ${error.where}`] : []),
  ];
  return [...lines, ...place(error, script)].join('\n');
}

/** The line at which PostgreSQL stopped, with its neighbours. */
function place({ position }: PostgresError, script: string): string[] {
  if (position === undefined) return [];
  // PostgreSQL counts characters, JavaScript UTF-16 units.
  const before = [...script].slice(0, position - 1).join('');
  const line = before.split('\n').length;
  const lines = script.split('\n');
  const first = Math.max(1, line - 3);
  const width = String(line).length;
  return [
    '',
    'Position:',
    ...lines
      .slice(first - 1, line)
      .map((text, index) => `  ${String(first + index).padStart(width)}  ${text.trimEnd()}`),
    `  ${' '.repeat(width)}  ${' '.repeat(before.length - before.lastIndexOf('\n') - 1)}^`,
  ];
}
