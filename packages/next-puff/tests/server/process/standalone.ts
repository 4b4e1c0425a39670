import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, FIXTURE_APP } from '../../cli/support/cli';
import { NO_DATABASE } from './fixture';

// Where the app is in the workspace, and so in the output.
const APP = 'packages/next-puff/tests/cli/fixture-app';

/** The output of a build with `output: 'standalone'`, away from the workspace. */
export function standaloneTests(): void {
  describe('standalone', () => {
    let directory: string;
    let app: string;
    let child: ChildProcess | undefined;

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'next-puff-standalone-'));
      app = join(directory, APP);
      cpSync(join(FIXTURE_APP, '.next/standalone'), directory, {
        recursive: true,
        verbatimSymlinks: true,
      });
      // By hand, as Next.js' documentation says.
      cpSync(join(FIXTURE_APP, '.next/static'), join(app, '.next/static'), { recursive: true });
    });
    afterAll(() => {
      child?.kill('SIGKILL');
      rmSync(directory, { recursive: true });
    });

    test('puff.config comes along', () => {
      expect(existsSync(join(app, 'puff.config.ts'))).toBe(true);
    });

    test.each([
      ['server.js', []],
      ['puff-server.mjs', []],
      ['puff-server.mjs', ['--workers', '2']],
    ])('%s %j serves it', async (program, args) => {
      const port = 20_000 + Math.floor(Math.random() * 10_000);
      const { NEXT_PUFF_ADDON: _, NODE_ENV: __, ...inherited } = process.env;
      const running = spawn(process.execPath, [program, ...args], {
        cwd: app,
        env: {
          ...(inherited as NodeJS.ProcessEnv),
          DATABASE_URL: NO_DATABASE,
          HOSTNAME: '127.0.0.1',
          NODE_OPTIONS: '',
          PORT: String(port),
        },
      });
      child = running;
      let output = '';
      for (const stream of [running.stdout, running.stderr]) {
        stream.on('data', (chunk) => {
          output += chunk;
        });
      }
      await eventually(() => {
        if (running.exitCode !== null) throw new Error(output);
        return /Ready in/.test(output);
      }, 'it is ready');
      expect(output.includes('in next-puff')).toBe(program !== 'server.js');

      const origin = `http://127.0.0.1:${port}`;
      expect(await (await fetch(origin)).text()).toContain('a page');
      expect((await fetch(`${origin}/api/thread`)).status).toBe(200);
      expect((await fetch(`${origin}/absent`)).status).toBe(404);
      const files = readdirSync(join(app, '.next/static'), { recursive: true }) as string[];
      const script = files.find((file) => file.endsWith('.js'));
      expect((await fetch(`${origin}/_next/static/${script}`)).status).toBe(200);

      running.kill('SIGTERM');
      const [code] = (await once(running, 'close')) as [number | null];
      expect(code).toBe(143);
    });
  });
}
