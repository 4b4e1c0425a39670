import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readPassword } from './cluster.js';
import { dataDirectory, passwordFile, projectLayout } from './layout.js';
import { findPostmaster } from './postmaster.js';
import { connectionUrl, readRecord } from './server.js';
import { countUsers } from './watchdog.js';

/** What is known about the embedded PostgreSQL of a project. */
export interface EmbeddedPostgresStatus {
  /** `absent`: never started here; `starting`: runs but accepts no connections yet. */
  state: 'absent' | 'stopped' | 'starting' | 'running';
  dataDirectory: string;
  /** Major version of the data, for example `18`. */
  version?: string;
  pid?: number;
  port?: number;
  /** URL of the database, password included. */
  url?: string;
  /** How many processes use the server. */
  users?: number;
}

/** Looks at the embedded PostgreSQL of a project without starting or joining it. */
export function embeddedPostgresStatus(directory: string): EmbeddedPostgresStatus {
  const layout = projectLayout(resolve(directory));
  const record = readRecord(layout);
  const data = dataDirectory(record ? { ...layout, server: record.server } : layout);
  let version: string;
  try {
    version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  } catch {
    return { state: 'absent', dataDirectory: data };
  }
  const postmaster = findPostmaster(data);
  if (postmaster === undefined) return { state: 'stopped', dataDirectory: data, version };
  const { pid, port, isReady } = postmaster;
  const password = readPassword(passwordFile(layout));
  return {
    state: isReady ? 'running' : 'starting',
    dataDirectory: data,
    version,
    pid,
    port,
    ...(record && password && { url: connectionUrl(record.listen, port, password) }),
    ...(record && { users: countUsers(record.watchdog) }),
  };
}
