import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PuffError } from '../errors.js';
import { commandLine, sendSignal, waitUntil } from './processes.js';

/** What a server wrote about itself into `postmaster.pid`. */
export interface Postmaster {
  pid: number;
  port: number;
  /** True once it accepts connections. */
  isReady: boolean;
}

/**
 * Returns the server that runs on a data directory, or `undefined`.
 *
 * The lines of `postmaster.pid` are those of PostgreSQL's own `miscadmin.h` (LOCK_FILE_LINE_*); the
 * file outlives a killed server, so its process is checked too.
 */
export function findPostmaster(dataDirectory: string): Postmaster | undefined {
  const pid = recordedPid(dataDirectory);
  if (pid === undefined) return undefined;
  if (!commandLine(pid)?.includes(dataDirectory)) return undefined;
  const lines = readPostmasterFile(dataDirectory) ?? [];
  return { pid, port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' };
}

/**
 * Ends a server that no watchdog looks after, gently first: fast shutdown, immediate shutdown, kill.
 */
export async function stopPostmaster(dataDirectory: string): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    const postmaster = findPostmaster(dataDirectory);
    if (postmaster === undefined) return;
    sendSignal(postmaster.pid, signal);
    const ended = await waitUntil(
      () => findPostmaster(dataDirectory)?.pid !== postmaster.pid,
      patienceMs,
    );
    if (ended) return;
  }
  throw new PuffError(
    'PUFF_EMBEDDED_START_FAILED',
    `An earlier PostgreSQL server still runs on ${dataDirectory} and does not end, not even after SIGKILL.`,
    { hint: 'End that process (its number is the first line of postmaster.pid) and try again.' },
  );
}

/**
 * Removes a `postmaster.pid` that PostgreSQL would misunderstand.
 *
 * PostgreSQL takes any process of that number for the server that wrote the file: one that got the
 * number after a crash, and a zombie too, which stays for ever in a container whose first process
 * does not wait for orphans. A file whose process is gone stays: PostgreSQL needs it to notice that
 * orphaned backends still use the old shared memory.
 */
export async function removeMisleadingPostmasterFile(dataDirectory: string): Promise<void> {
  const pid = recordedPid(dataDirectory);
  if (pid === undefined || findPostmaster(dataDirectory) !== undefined) return;
  if (!isNumberInUse(pid)) return;
  // Backends end as soon as they see that their server is gone; give them the time to look.
  await sleep(250);
  rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
}

function isNumberInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function recordedPid(dataDirectory: string): number | undefined {
  const pid = Number(readPostmasterFile(dataDirectory)?.[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function readPostmasterFile(dataDirectory: string): string[] | undefined {
  try {
    return readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
}
