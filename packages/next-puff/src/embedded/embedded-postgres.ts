import { resolve } from 'node:path';
import { PuffError } from '../errors.js';
import { startFailure } from './failure.js';
import { createProjectState, dataDirectory, projectLayout } from './layout.js';
import { findPostmaster } from './postmaster.js';
import { joinOrStart } from './server.js';

/** How to start the embedded PostgreSQL of a project. */
export interface EmbeddedPostgresOptions {
  /** The project; the data is kept in its `.puff/postgres`. */
  directory: string;
  /** TCP port; without it the last one, or a free one. */
  port?: number;
  /** Address to listen on; `127.0.0.1` without it. A password is needed on every address. */
  listen?: string;
  /** Receives what a person may want to know, one line at a time; without it only warnings appear. */
  log?: (line: string) => void;
  /** PostgreSQL settings that replace ours, for example `{ log_statement: 'all' }`. */
  settings?: Record<string, string>;
}

/** This process's share in the embedded PostgreSQL of a project. */
export interface EmbeddedPostgres {
  /** URL of the database `app`, password included. */
  readonly url: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** Process number of the server now; it changes when a killed server is started again. */
  readonly pid: number | undefined;
  /** True when another process had started the server. */
  readonly adopted: boolean;
  /**
   * Gives this share up. The last one stops the server, and then the promise resolves when it has
   * stopped; while others use it, the promise resolves at once.
   */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL of a project, or joins it when another process has started it.
 *
 * One server serves all processes of a project and stops when the last of them ends, however it ends;
 * it is started again should it crash. Calling `stop` is therefore good manners, not a duty. `port`
 * and `listen`, `settings` apply only to the process that starts the server; a different `port` is
 * an error.
 *
 * @throws PuffError `PUFF_EMBEDDED_UNSUPPORTED` (no binaries for this platform, or not installed),
 * `PUFF_PORT_IN_USE` (the port asked for), `PUFF_EMBEDDED_START_FAILED` (says why).
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const directory = resolve(options.directory);
  const log = options.log ?? (() => {});
  const start = async () => {
    createProjectState(directory);
    return joinOrStart({
      directory,
      layout: projectLayout(directory),
      port: options.port,
      listen: options.listen ?? '127.0.0.1',
      log,
      settings: options.settings ?? {},
      temporary: false,
    });
  };
  const server = await start().catch((error: unknown) => {
    if (error instanceof PuffError) throw error;
    throw startFailure(
      `The embedded PostgreSQL of ${directory} could not be started`,
      error instanceof Error ? error.message : String(error),
      error,
    );
  });
  if (process.env.NODE_ENV === 'production') {
    (options.log ?? console.warn)(
      'WARNING: NODE_ENV is "production", and this runs on the embedded development PostgreSQL in .puff/; set DATABASE_URL to use a real one.',
    );
  }
  const data = dataDirectory(server.layout);
  return {
    url: server.url,
    port: server.port,
    dataDirectory: data,
    adopted: server.adopted,
    get pid() {
      return findPostmaster(data)?.pid;
    },
    stop: () => server.membership.leave(),
  };
}
