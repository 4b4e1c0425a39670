import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../cli/support/cli';
import { RawConnection } from '../support/raw-http';
import { Notes, servingProcess, startFixture } from './fixture';
import { KeepAliveLoad } from './keep-alive-load';

const STAGES = ['requests and WebSockets', 'tasks', 'after() and waitUntil', 'pools'];

/** What happens between a signal and the end of the process. */
export function shutdownTests(): void {
  describe('SIGTERM', () => {
    test.each([
      ['one thread', []],
      ['two workers', ['--workers', '2']],
    ])('under load loses no request: %s', async (_, args) => {
      const server = startFixture(args);
      const load = new KeepAliveLoad(await server.address(), '/api/slow?ms=20', 16);
      await eventually(() => load.answered > 200, 'the load is running');
      server.kill('SIGTERM');
      const { lost, answered } = await load.ended();
      expect(lost).toEqual([]);
      expect(answered).toBeGreaterThan(200);
      expect(await server.outcome()).toMatchObject({ code: 143 });
    });

    test('lets a streamed answer end, and takes no new connection meanwhile', async () => {
      const server = startFixture();
      const address = await server.address();
      const answer = await fetch(`${address}/api/stream?words=15`);
      server.kill('SIGTERM');
      await eventually(
        () =>
          RawConnection.open(Number(new URL(address).port)).then(
            (connection) => connection.close(),
            () => true,
          ) as Promise<boolean>,
        'it listens no more',
      );
      const words = Array.from({ length: 15 }, (_, index) => `word ${index + 1}\n`);
      expect(await answer.text()).toBe(words.join(''));
      expect(await server.outcome()).toMatchObject({ code: 143 });
    });

    test.each([
      ['one thread', []],
      ['two workers', ['--workers', '2']],
    ])('runs after() and the listeners of the app, stage by stage: %s', async (_, args) => {
      const notes = new Notes();
      try {
        const server = startFixture(args, { FIXTURE_NOTES: notes.file });
        const address = await server.address();
        expect(await (await fetch(`${address}/api/afterwards`)).text()).toBe('answered');
        server.kill('SIGTERM');
        const { code, stderr } = await server.outcome();
        expect(code).toBe(143);
        const heard = args.length === 0 ? 1 : 2;
        expect(notes.read()).toEqual([
          'after() has run',
          ...Array(heard).fill('the app heard SIGTERM'),
        ]);
        const logged = [...stderr.matchAll(/shutdown: (.+) done after \d+ ms/g)];
        expect(logged.map(([, stage]) => stage)).toEqual(STAGES);
      } finally {
        notes.remove();
      }
    });

    test('gives up what takes too long, and says so', async () => {
      const notes = new Notes();
      try {
        const server = startFixture([], { FIXTURE_REQUESTS_MS: '300', FIXTURE_NOTES: notes.file });
        const hanging = fetch(`${await server.address()}/api/hang`).catch(() => 'cut off');
        await eventually(() => notes.read().includes('hanging'), 'the request is in the app');
        server.kill('SIGTERM');
        const { code, stderr } = await server.outcome();
        expect(code).toBe(143);
        expect(stderr).toMatch(
          /shutdown: requests and WebSockets: 1 requests were given up, after \d+ ms/,
        );
        expect(await hanging).toBe('cut off');
      } finally {
        notes.remove();
      }
    });

    test('a second one ends a process in an endless loop', async () => {
      const server = startFixture();
      const address = await server.address();
      const spinning = fetch(`${address}/api/spin`).catch(() => 'cut off');
      await sleep(500);
      server.kill('SIGTERM');
      await sleep(500);
      server.kill('SIGTERM');
      expect(await server.outcome()).toMatchObject({ signal: 'SIGALRM' });
      expect(await spinning).toBe('cut off');
    });

    test('Ctrl-C ends it, which reaches it twice', async () => {
      const server = startFixture();
      const answer = await fetch(`${await server.address()}/api/stream?words=5`);
      // A terminal sends it to all processes, and the CLI passes it on.
      process.kill(servingProcess(server), 'SIGINT');
      server.kill('SIGINT');
      expect(await answer.text()).toContain('word 5');
      expect(await server.outcome()).toMatchObject({ code: 130 });
    });
  });
}
