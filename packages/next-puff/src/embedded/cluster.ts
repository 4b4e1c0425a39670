import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PuffError } from '../errors.js';
import { commandAs, giveTo, ownerOf } from './account.js';
import { startFailure } from './failure.js';
import { dataDirectory, passwordFile } from './layout.js';
import type { Site } from './site.js';

/** The database that is created for the app. */
export const DATABASE = 'app';
/** The superuser, which the app connects as. */
export const ROLE = 'postgres';

/**
 * Makes sure that there is a data directory with the database and a known password, creating what is
 * missing, and returns the password. No server may be running on it.
 */
export async function prepareCluster(
  site: Site,
  options: { durable: boolean; log: (line: string) => void },
): Promise<string> {
  const data = dataDirectory(site.layout);
  const existing = existsSync(join(data, 'PG_VERSION'));
  if (existing) checkCluster(site, data);

  const known = readPassword(passwordFile(site.layout));
  const password = known ?? randomBytes(24).toString('base64url');
  if (known === undefined) {
    writeFileSync(passwordFile(site.layout), `${password}\n`, { mode: 0o600 });
  }
  if (!existing) {
    options.log(`creating a database in ${data}`);
    await createCluster(site, data, password, options.durable);
  } else if (known === undefined) {
    await runStatements(site, data, [setPassword(password)]);
  }
  return password;
}

/** Returns the stored password, or `undefined` when there is none. */
export function readPassword(file: string): string | undefined {
  try {
    const password = readFileSync(file, 'utf8').trim();
    return password === '' ? undefined : password;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The environment of PostgreSQL's programs: nothing of ours, so that no `PG*` variable leaks in. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as NodeJS.ProcessEnv;
}

function checkCluster(site: Site, data: string): void {
  const owner = ownerOf(data);
  const euid = process.geteuid?.();
  if (site.account.kind === 'self' && owner !== euid) {
    throw new PuffError(
      'PUFF_EMBEDDED_START_FAILED',
      `The data directory ${data} belongs to user id ${owner}, and this process runs as user id ${euid}.`,
      {
        hint: `It was created by another user or with sudo. Run next-puff as that user again, or give the files to yourself: sudo chown -R "$(id -u)" .puff`,
        operation: 'start',
      },
    );
  }
  const version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (version !== site.version) {
    throw new PuffError(
      'PUFF_EMBEDDED_START_FAILED',
      `The data directory ${data} was made by PostgreSQL ${version}; the installed embedded PostgreSQL is version ${site.version}, which cannot read it.`,
      {
        hint: `Install the package of version ${version} again and dump the data with pg_dump, or move ${data} away to begin with an empty database.`,
        operation: 'start',
      },
    );
  }
}

/**
 * Creates the data directory under another name and renames it when it is complete, so that a start
 * that was interrupted leaves nothing half made.
 */
async function createCluster(
  site: Site,
  data: string,
  password: string,
  durable: boolean,
): Promise<void> {
  const draft = `${data}.draft`;
  try {
    rmSync(draft, { recursive: true, force: true }); // of a start that was killed
    mkdirSync(draft, { mode: 0o700 });
    giveTo(site.account, draft);
    const initdb = [
      site.binaries.initdb,
      `--pgdata=${draft}`,
      `--username=${ROLE}`,
      '--encoding=UTF8',
      // The same order of strings on every platform and in every version of its libraries.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      // Replaced below; so there is no moment in which the server would let anyone in.
      '--auth=reject',
      // Megabytes; a development database should not begin with 16 MB of log.
      '--wal-segsize=1',
      ...(durable ? [] : ['--no-sync']),
    ];
    await runProgram(site, initdb, 'initdb could not create the database');
    writeFileSync(join(draft, 'pg_hba.conf'), 'host all all all scram-sha-256\n');
    await runStatements(site, draft, [setPassword(password), `create database ${DATABASE}`]);
    renameSync(draft, data);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (error instanceof PuffError) throw error;
    throw startFailure(`The data directory ${data} could not be created`, String(error), error);
  }
}

const setPassword = (password: string) => `alter role ${ROLE} password '${password}'`;

/** Runs statements in a single-user server: no port, no password, 50 ms. */
async function runStatements(site: Site, data: string, statements: string[]): Promise<void> {
  const command = [site.binaries.postgres, '--single', '-D', data, 'postgres'];
  // The single-user server takes one statement per line.
  const output = await runProgram(
    site,
    command,
    'PostgreSQL could not set up the database',
    `${statements.join('\n')}\n`,
  );
  if (/^(.*\s)?(ERROR|FATAL|PANIC):/m.test(output)) {
    throw startFailure('PostgreSQL could not set up the database', output);
  }
}

async function runProgram(
  site: Site,
  command: string[],
  failure: string,
  input = '',
): Promise<string> {
  const [file, args, ids] = commandAs(site.account, command);
  const running = promisify(execFile)(file, args, {
    ...ids,
    cwd: site.layout.server,
    env: serverEnvironment(),
  });
  running.child.stdin?.on('error', () => {}); // the program ended early; its exit says why
  running.child.stdin?.end(input);
  try {
    const { stdout, stderr } = await running;
    return `${stdout}\n${stderr}`;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw startFailure(failure, `${stderr}` || `${stdout}` || String(error), error);
  }
}
