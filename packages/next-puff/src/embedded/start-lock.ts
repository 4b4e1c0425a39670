import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PuffError } from '../errors.js';
import { identifyProcess, isRunning, type ProcessIdentity } from './processes.js';

/**
 * Runs `work` while no other process runs work under the same lock file.
 *
 * The lock of a process that died is taken over. Two processes that discover the same dead owner at
 * the same instant can both get in: the lock saves double work, while PostgreSQL's own
 * `postmaster.pid` is what keeps two servers off one data directory.
 */
export async function withStartLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await acquire(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

// Longer than any honest start (creating a database takes seconds on the slowest disks).
const WAIT_MS = 120_000;

async function acquire(file: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!tryCreate(file)) {
    const owner = readOwner(file);
    if (owner === 'released') continue;
    if (owner === 'unreadable' || !isRunning(owner)) {
      rmSync(file, { force: true });
      continue;
    }
    if (performance.now() > deadline) {
      throw new PuffError(
        'PUFF_EMBEDDED_START_FAILED',
        `Process ${owner.pid} has held ${file} for ${WAIT_MS / 1000} s while this process waited to start the embedded PostgreSQL.`,
        {
          hint: `See what process ${owner.pid} is doing, end it, and try again.`,
          operation: 'start',
        },
      );
    }
    await sleep(20);
  }
}

/** Creates the lock complete with its owner, so that no one can read it half written. */
function tryCreate(file: string): boolean {
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readOwner(file: string): ProcessIdentity | 'released' | 'unreadable' {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'released' : 'unreadable';
  }
}
