/** The thread behind {@link Leases}. */

import { parentPort, workerData } from 'node:worker_threads';
import { openClient } from './connection.js';
import {
  keyOf,
  type LeaseCommand,
  type LeaseNews,
  type LeaseThreadData,
  type Lock,
} from './leases.js';
import { LockTable } from './lock-table.js';
import { defineScripts, runScript } from './scripts.js';

/** Locks renewed by one script. */
const BATCH = 500;

const { settings, leaseMs, table } = workerData as LeaseThreadData;
const shared = new LockTable(table);
/** Locks that have no place in the table. */
const held = new Map<string, Lock>();

parentPort?.on('message', ({ type, lock }: LeaseCommand) => {
  if (type === 'hold') held.set(keyOf(lock), lock);
  else held.delete(keyOf(lock));
});

const client = openClient(settings);
// Renewing goes on when the connection is back.
client.on('error', () => {});
defineScripts(client);
const tell = (news: LeaseNews) => parentPort?.postMessage(news);
void client.info().then(() => tell('ready'));

let isRenewing = false;
setInterval(
  async () => {
    if (isRenewing) return;
    isRenewing = true;
    try {
      await renew([...shared.all(), ...held.values()]);
    } catch {
      // The connection is down, or Redis is: the next turn tries again.
    } finally {
      isRenewing = false;
    }
  },
  Math.max(50, leaseMs / 4),
);

async function renew(locks: readonly Lock[]): Promise<void> {
  for (let start = 0; start < locks.length; start += BATCH) {
    const batch = locks.slice(start, start + BATCH);
    const lost = (await runScript(
      client,
      'puffRenew',
      [],
      [leaseMs, JSON.stringify(batch)],
    )) as number[];
    if (lost.length === 0) continue;
    const locksLost = lost.map((i) => batch[i] as Lock);
    for (const lock of locksLost) held.delete(keyOf(lock));
    tell(locksLost);
  }
}
