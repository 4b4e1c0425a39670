import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PuffError } from '../errors.js';
import { giveTo } from './account.js';
import { DATABASE, prepareCluster, ROLE, readPassword, serverEnvironment } from './cluster.js';
import { logTail, startFailure } from './failure.js';
import {
  dataDirectory,
  type Layout,
  lockFile,
  logFile,
  passwordFile,
  serverRecordFile,
} from './layout.js';
import { choosePort, portInUse } from './port.js';
import {
  findPostmaster,
  type Postmaster,
  removeMisleadingPostmasterFile,
  stopPostmaster,
} from './postmaster.js';
import { isRunning, sendSignal, waitUntil } from './processes.js';
import { settingArguments } from './settings.js';
import { prepareSite, type Site } from './site.js';
import { withStartLock } from './start-lock.js';
import { joinWatchdog, type Membership, startWatchdog, type Watchdog } from './watchdog.js';

/** What a server is started with; `temporary` ones lose their data when they stop. */
export interface ServerRequest {
  directory: string;
  layout: Layout;
  port: number | undefined;
  listen: string;
  log: (line: string) => void;
  settings: Record<string, string>;
  temporary: boolean;
}

/** A share in a running server. */
export interface RunningServer {
  membership: Membership;
  layout: Layout;
  port: number;
  url: string;
  adopted: boolean;
}

/** What one process leaves for the next: who runs the server, where its data is, which port it has. */
export interface ServerRecord {
  watchdog: Watchdog;
  server: string;
  port: number;
  listen: string;
}

/** Joins the server of the layout, or starts it when none runs. */
export async function joinOrStart(request: ServerRequest): Promise<RunningServer> {
  mkdirSync(request.layout.state, { recursive: true });
  return (
    (await join(request)) ??
    withStartLock(
      lockFile(request.layout),
      // The one who held the lock before us has most likely started it.
      async () => (await join(request)) ?? start(request),
    )
  );
}

/** Reads the record of the last server, which may have ended. */
export function readRecord(layout: Layout): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(serverRecordFile(layout), 'utf8')) as ServerRecord;
  } catch {
    return undefined; // never started, or not written by us: as good as none
  }
}

/** Returns the URL of the database, password included. */
export function connectionUrl(listen: string, port: number, password: string): string {
  // A server that listens everywhere is reached here under the loopback address.
  const host = ['*', '0.0.0.0', '::'].includes(listen) ? '127.0.0.1' : listen;
  return `postgres://${ROLE}:${password}@${host}:${port}/${DATABASE}`;
}

/** Waits until the server accepts connections; `undefined` when its watchdog ends before that. */
export async function waitForPostmaster(
  data: string,
  watchdog: Watchdog,
): Promise<Postmaster | undefined> {
  let ready: Postmaster | undefined;
  const settled = await waitUntil(() => {
    const postmaster = findPostmaster(data);
    ready = postmaster?.isReady ? postmaster : undefined;
    return ready !== undefined || !isRunning(watchdog);
  }, READY_TIMEOUT_MS);
  if (!settled) {
    throw new PuffError(
      'PUFF_EMBEDDED_START_FAILED',
      `The embedded PostgreSQL on ${data} did not accept connections within ${READY_TIMEOUT_MS / 1000} s.`,
      { hint: 'Its log (server.log beside the data directory) says what it is doing.' },
    );
  }
  return ready;
}

// Long enough to replay the whole write-ahead log after a crash.
const READY_TIMEOUT_MS = 120_000;
// Something else may take the port between our look at it and the start of the server.
const START_ATTEMPTS = 10;

async function join(request: ServerRequest): Promise<RunningServer | undefined> {
  const { layout } = request;
  const record = readRecord(layout);
  const password = readPassword(passwordFile(layout));
  if (record === undefined || password === undefined) return undefined;
  const membership = await joinWatchdog(record.watchdog);
  if (membership === undefined) return undefined;
  try {
    if (request.port !== undefined && request.port !== record.port) {
      throw new PuffError(
        'PUFF_EMBEDDED_START_FAILED',
        `Port ${request.port} was asked for, but the embedded PostgreSQL of this project already runs on port ${record.port} for another process.`,
        { hint: 'End the other process first, or ask for no port.', operation: 'start' },
      );
    }
    const joined: Layout = { ...layout, server: record.server };
    if (await waitForPostmaster(dataDirectory(joined), record.watchdog)) {
      const url = connectionUrl(record.listen, record.port, password);
      return { membership, layout: joined, port: record.port, url, adopted: true };
    }
  } catch (error) {
    await membership.leave();
    throw error;
  }
  await membership.leave();
  return undefined;
}

async function start(request: ServerRequest): Promise<RunningServer> {
  const site = prepareSite(request.directory, request.layout, request.log);
  const { layout } = site;
  const last = readRecord(layout);
  await clearLeftovers(last, dataDirectory(layout));
  const { log, temporary, listen } = request;
  // So that the watchdog may remove it.
  if (temporary) giveTo(site.account, layout.server);
  const password = await prepareCluster(site, { durable: !temporary, log });

  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort({
      asked: request.port,
      last: last?.port,
      directory: temporary ? layout.state : request.directory,
      host: listen,
    });
    const membership = await launch(site, request, port);
    try {
      if (membership && (await waitForPostmaster(dataDirectory(layout), membership.watchdog))) {
        const { watchdog } = membership;
        writeFileSync(path.join(watchdog.run, 'ready'), '');
        writeRecord(layout, { watchdog, server: layout.server, port, listen });
        const url = connectionUrl(listen, port, password);
        return { membership, layout, port, url, adopted: false };
      }
    } catch (error) {
      await membership?.leave();
      throw error;
    }
    await membership?.leave();
    const output = logTail(logFile(layout));
    const isPortTaken = /Address already in use/i.test(output);
    if (isPortTaken && request.port !== undefined) throw portInUse(request.port, listen);
    // Backends of a killed server need a moment to notice that it is gone.
    const isOldServerEnding = /pre-existing shared memory block/.test(output);
    if (!(isPortTaken || isOldServerEnding) || attempt === START_ATTEMPTS) {
      throw startFailure('The embedded PostgreSQL did not start', output);
    }
    await sleep(200);
  }
}

async function launch(
  site: Site,
  request: ServerRequest,
  port: number,
): Promise<Membership | undefined> {
  const { account, layout, binaries } = site;
  const data = dataDirectory(layout);
  const parent = path.join(layout.server, 'run');
  // Nobody uses the server now, so what is in there was left by watchdogs that were killed.
  for (const old of readdirSync(parent)) {
    rmSync(path.join(parent, old), { recursive: true, force: true });
  }
  const settings = settingArguments(request.listen, port, request.temporary, request.settings);
  const log = openSync(logFile(layout), 'w', 0o600);
  try {
    return await startWatchdog({
      account,
      parent,
      dataDirectory: data,
      command: [binaries.postgres, '-D', data, ...settings],
      environment: serverEnvironment(),
      log,
      ...(request.temporary ? { remove: layout.server } : {}),
    });
  } finally {
    closeSync(log);
  }
}

/** Ends what an earlier watchdog left: itself if it is still stopping or broken, and its server. */
async function clearLeftovers(last: ServerRecord | undefined, data: string): Promise<void> {
  if (last !== undefined && isRunning(last.watchdog)) {
    sendSignal(last.watchdog.pid, 'SIGTERM');
    await waitUntil(() => !isRunning(last.watchdog), 30_000);
  }
  await stopPostmaster(data);
  await removeMisleadingPostmasterFile(data);
}

function writeRecord(layout: Layout, record: ServerRecord): void {
  const file = serverRecordFile(layout);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(record, null, 2), { mode: 0o600 });
  renameSync(draft, file);
}
