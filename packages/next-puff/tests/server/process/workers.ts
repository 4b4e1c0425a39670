import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../cli/support/cli';
import { startFixture } from './fixture';

/** Which thread of which process answers. */
async function threadOf(address: string): Promise<{ thread: number; process: number }> {
  const answer = await fetch(`${address}/api/thread`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as { thread: number; process: number };
}

/** The threads that answer while many ask at once. */
async function threadsOf(address: string): Promise<number[]> {
  const answers = await Promise.all(
    Array.from({ length: 40 }, async () => {
      await fetch(`${address}/api/slow?ms=50`);
      return (await threadOf(address)).thread;
    }),
  );
  return [...new Set(answers)].sort();
}

/** `next-puff start --workers`. */
export function workerTests(): void {
  describe('--workers 2', () => {
    test('lets two threads of one process answer', async () => {
      const server = startFixture(['--workers', '2']);
      const address = await server.address();
      expect(server.stdout).toContain('(2 workers)');
      // Who is less busy is asked first: on a busy machine one may take all of a round.
      const threads = new Set<number>();
      await eventually(async () => {
        for (const thread of await threadsOf(address)) threads.add(thread);
        return threads.size === 2;
      }, 'both answer');
      expect(threads).not.toContain(0);
    });

    test('replaces one that ends by itself; the other answers meanwhile', async () => {
      const server = startFixture(['--workers', '2']);
      const address = await server.address();
      const before = await threadsOf(address);
      const waiting = fetch(`${address}/api/slow?ms=1500`);
      await fetch(`${address}/api/crash`).catch(() => {});
      await eventually(() => /worker \d ended by itself/.test(server.stderr), 'it is noticed');
      expect(server.stderr).toMatch(/worker \d ended by itself: exit code 7; another one starts/);
      // At least one thread is there all the time.
      await threadOf(address);
      await eventually(() => /worker \d is ready again/.test(server.stderr), 'it is replaced');
      await eventually(async () => {
        const after = await threadsOf(address);
        return after.length === 2 && String(after) !== String(before);
      }, 'the new one answers, too');
      // Answered, or by the thread that ended: then the client is told.
      expect([200, 500]).toContain((await waiting).status);
      server.kill('SIGTERM');
      expect(await server.outcome()).toMatchObject({ code: 143 });
    });

    test('replaces one that is out of memory, and answers its requests with 500', async () => {
      const server = startFixture(['--workers', '2', '--worker-memory', '128']);
      const address = await server.address();
      const answer = await fetch(`${address}/api/hoard`);
      expect(answer.status).toBe(500);
      await eventually(
        () => server.stderr.includes('it reached the memory limit of 128 MB'),
        'it is noticed',
      );
      await eventually(() => /worker \d is ready again/.test(server.stderr), 'it is replaced');
      await eventually(async () => (await threadsOf(address)).length === 2, 'both answer');
    });

    test('replaces one in an endless loop; the other answers meanwhile', async () => {
      const server = startFixture(['--workers', '2'], { FIXTURE_STUCK_MS: '2000' });
      const address = await server.address();
      await eventually(async () => (await threadsOf(address)).length === 2, 'both answer');
      const spinning = fetch(`${address}/api/spin`);
      await sleep(500);
      // It goes to the one that has less to do.
      const { thread } = await threadOf(address);
      expect((await spinning).status).toBe(500);
      await eventually(
        () => server.stderr.includes('its event loop stood still for 2000 ms; another one starts'),
        'it is noticed',
      );
      await eventually(() => /worker \d is ready again/.test(server.stderr), 'it is replaced');
      await eventually(async () => {
        const after = await threadsOf(address);
        return after.length === 2 && after.includes(thread);
      }, 'the new one answers beside the other');
    });

    test('gives up when they never are ready', async () => {
      const server = startFixture(['--workers', '2'], { FIXTURE_EXITS_AT_START: '1' });
      const { code, stderr } = await server.outcome();
      expect(stderr).toMatch(/Worker \d ended 3 times before it was ready: exit code 9/);
      expect(stderr).toContain('[PUFF_WORKER_START]');
      expect(code).toBe(1);
    });
  });
}
