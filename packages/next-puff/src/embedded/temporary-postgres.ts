import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFailure } from './failure.js';
import { dataDirectory } from './layout.js';
import { anyFreePort } from './port.js';
import { findPostmaster } from './postmaster.js';
import { sendSignal, waitUntil } from './processes.js';
import { joinOrStart, waitForPostmaster } from './server.js';

/** How to start a server for one test run. */
export interface TemporaryPostgresOptions {
  /** TCP port on 127.0.0.1; any free one without it. */
  port?: number;
  /** PostgreSQL settings that replace ours, for example `{ max_connections: '5' }`. */
  settings?: Record<string, string>;
}

/** A server of its own, in a temporary directory that goes away with it. */
export interface TemporaryPostgres {
  /** URL of the database `app`, password included; the same after a restart. */
  readonly url: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** Process number of the server now; `undefined` while it is down. */
  readonly pid: number | undefined;
  /**
   * Ends the server and starts it again on the same port; also brings a killed one back.
   *
   * `fast` (the default) breaks off running statements and shuts down cleanly, as `pg_ctl restart`
   * does; `immediate` is a crash of the server, with recovery.
   */
  restart(options?: { mode?: 'fast' | 'immediate' }): Promise<void>;
  /** Kills the server with SIGKILL; it stays down until `restart`. */
  kill(): Promise<void>;
  /** Stops the server and removes its directory. Happens by itself when this process ends. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server of its own for a test, with nothing durable about it.
 *
 * @throws PuffError as `startEmbeddedPostgres` does.
 */
export async function startTemporaryPostgres(
  options: TemporaryPostgresOptions = {},
): Promise<TemporaryPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'next-puff-postgres-'));
  const port = options.port ?? (await anyFreePort('127.0.0.1'));
  const { membership, layout, url } = await joinOrStart({
    directory,
    layout: { state: directory, server: directory },
    port,
    listen: '127.0.0.1',
    log: () => {},
    settings: options.settings ?? {},
    temporary: true,
  }).catch((error: unknown) => {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  });
  const data = dataDirectory(layout);
  const hold = join(membership.watchdog.run, 'hold');

  /** Ends the server without letting the watchdog start it again. */
  const end = async (signal: NodeJS.Signals) => {
    writeFileSync(hold, '');
    const pid = findPostmaster(data)?.pid;
    if (pid === undefined) return;
    sendSignal(pid, signal);
    await waitUntil(() => findPostmaster(data)?.pid !== pid, 30_000);
  };
  return {
    url,
    port,
    dataDirectory: data,
    get pid() {
      return findPostmaster(data)?.pid;
    },
    async restart({ mode = 'fast' } = {}) {
      await end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      rmSync(hold, { force: true });
      if ((await waitForPostmaster(data, membership.watchdog)) === undefined) {
        throw startFailure('The temporary PostgreSQL did not come back', '');
      }
    },
    kill: () => end('SIGKILL'),
    async stop() {
      await membership.leave();
      await waitUntil(() => !existsSync(directory), 1_000);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
