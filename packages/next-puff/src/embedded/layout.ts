import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * Where one embedded server keeps its files.
 *
 * `state` belongs to the user who runs next-puff. `server` belongs to the account that PostgreSQL
 * runs as; it is the same directory unless that account cannot reach it (see account.ts).
 */
export interface Layout {
  state: string;
  server: string;
}

/** Returns the layout of a project: everything in `<project>/.puff/postgres`. */
export function projectLayout(projectDirectory: string): Layout {
  const state = join(resolve(projectDirectory), '.puff', 'postgres');
  return { state, server: state };
}

/** Whether a project has had an embedded server. */
export function hasEmbeddedPostgres(projectDirectory: string): boolean {
  return existsSync(projectLayout(projectDirectory).state);
}

/** Creates the state directory of a project, hidden from git. */
export function createProjectState(projectDirectory: string): void {
  const puff = join(resolve(projectDirectory), '.puff');
  // One by one, because a recursive mkdir reports a read-only file system as a missing directory.
  for (const directory of [puff, join(puff, 'postgres')]) {
    unlessExists(() => mkdirSync(directory));
  }
  unlessExists(() => writeFileSync(join(puff, '.gitignore'), '*\n', { flag: 'wx' }));
}

function unlessExists(create: () => void): void {
  try {
    create();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Who runs the server and where; survives the server so that the next one takes the same port. */
export const serverRecordFile = (layout: Layout): string => join(layout.state, 'server.json');
/** The superuser's password, readable only for the user who runs next-puff. */
export const passwordFile = (layout: Layout): string => join(layout.state, 'password');
/** Held by the process that is starting the server. */
export const lockFile = (layout: Layout): string => join(layout.state, 'start.lock');
/** What the server said since its last start. */
export const logFile = (layout: Layout): string => join(layout.state, 'server.log');
/** PostgreSQL's data directory. */
export const dataDirectory = (layout: Layout): string => join(layout.server, 'data');
/** A copy of the binaries, made only where those in `node_modules` cannot be used. */
export const softwareDirectory = (layout: Layout): string => join(layout.server, 'software');
