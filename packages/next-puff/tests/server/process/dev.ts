import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { embeddedPostgresStatus } from 'next-puff/embedded';
import WebSocket from 'ws';
import { Cli, cli, eventually, FIXTURE_APP } from '../../cli/support/cli';
import { NO_DATABASE } from './fixture';
import { databaseOf, expectNothingLeft } from './start';

const OFFLINE = { DATABASE_URL: NO_DATABASE };

const pageThatSays = (word: string) => `export default () => <p>${word}</p>;\n`;

// Inside the workspace, because Turbopack follows no links that lead out of it.
const APPS = join(import.meta.dirname, '../.puff');

const apps: string[] = [];

/** A small app whose files may be changed. */
function makeApp(): string {
  mkdirSync(APPS, { recursive: true });
  const directory = mkdtempSync(join(APPS, 'development-'));
  apps.push(directory);
  mkdirSync(join(directory, 'app'));
  const layout = '({ children }) => <html lang="en"><body>{children}</body></html>';
  const files = {
    'package.json': '{ "private": true, "type": "module" }',
    'next.config.js': 'export default {};\n',
    'app/layout.js': `export default ${layout};\n`,
    'app/page.js': pageThatSays('first'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** The first message of Next.js' development server to a browser. */
function isSync(message: string): boolean {
  return JSON.parse(message).type === 'sync';
}

function isChange(message: string): boolean {
  return JSON.parse(message).type === 'serverComponentChanges';
}

/** `next-puff dev`. */
export function developmentTests(): void {
  describe('next-puff dev', () => {
    afterAll(() => {
      for (const directory of apps) rmSync(directory, { recursive: true, force: true });
    });

    test('serves the app with the embedded database, which `run` shares, and ends with SIGINT', async () => {
      const server = new Cli(['dev', FIXTURE_APP, '-p', '0']);
      const address = await server.address();
      const { port, url } = embeddedPostgresStatus(FIXTURE_APP);
      expect(await databaseOf(address)).toEqual({ name: 'app', port });

      const second = await cli(['run', 'where'], { cwd: FIXTURE_APP });
      expect(second).toMatchObject({ code: 0, stdout: `${url}\n` });
      expect(second.stderr).toContain('which another process started');
      expect(embeddedPostgresStatus(FIXTURE_APP)).toMatchObject({ state: 'running', port });

      server.kill('SIGINT');
      expect((await server.outcome()).signal).toBeNull();
      await expectNothingLeft(address);
    });

    test('kill -9 of the CLI leaves nothing running', async () => {
      const server = new Cli(['dev', FIXTURE_APP, '-p', '0']);
      const address = await server.address();
      server.kill('SIGKILL');
      await expectNothingLeft(address);
    });

    test('takes the next free port when none was asked for, and says so', async () => {
      const squatter = createServer().on('error', () => {});
      // In whose hands it is does not matter.
      squatter.listen(3000);
      await Promise.race([once(squatter, 'listening'), once(squatter, 'error')]);
      try {
        const server = new Cli(['dev'], { cwd: makeApp(), env: OFFLINE });
        const address = await server.address();
        expect(address).not.toMatch(/:3000$/);
        expect(await (await fetch(address)).text()).toContain('first');
        expect(server.stderr).toContain('port 3000 is in use');
      } finally {
        squatter.close();
      }
    });

    test.each(['--turbopack', '--webpack'])('%s tells browsers of changes', async (bundler) => {
      const directory = makeApp();
      const server = new Cli(['dev', '-p', '0', bundler], { cwd: directory, env: OFFLINE });
      const address = await server.address();
      expect(server.stdout).toContain(bundler === '--webpack' ? '(webpack)' : '(Turbopack)');
      expect(await (await fetch(address)).text()).toContain('first');

      const socket = new WebSocket(`${address.replace('http', 'ws')}/_next/hmr?id=test`);
      const messages: string[] = [];
      socket.addEventListener('message', ({ data }) => {
        if (typeof data === 'string') messages.push(data);
      });
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', reject);
      });
      await eventually(() => messages.some(isSync), 'the server says what it has');
      messages.length = 0;
      writeFileSync(join(directory, 'app/page.js'), pageThatSays('second'));
      await eventually(() => messages.some(isChange), 'the server tells of the change');
      expect(await (await fetch(address)).text()).toContain('second');
      socket.close();
    });

    test.each([
      [true, /^(?:zstd|br|gzip)$/],
      [false, /^none$/],
    ])('compress: %s holds', async (compress, encoding) => {
      const directory = makeApp();
      writeFileSync(join(directory, 'next.config.js'), `export default { compress: ${compress} };`);
      const server = new Cli(['dev', '-p', '0'], { cwd: directory, env: OFFLINE });
      const answer = await fetch(await server.address());
      expect((await answer.text()).length).toBeGreaterThan(2_000);
      expect(answer.headers.get('content-encoding') ?? 'none').toMatch(encoding);
    });

    test('starts again, on the same port, when its configuration changes', async () => {
      const directory = makeApp();
      const server = new Cli(['dev', '-p', '0'], { cwd: directory, env: OFFLINE });
      const address = await server.address();
      const config = join(directory, 'next.config.js');
      const headers = `async headers() {
        return [{ source: '/', headers: [{ key: 'x-config', value: 'second' }] }];
      }`;
      writeFileSync(config, `export default { ${headers} };`);
      await eventually(async () => {
        const answer = await fetch(address).catch(() => undefined);
        return answer?.headers.get('x-config') === 'second';
      }, 'the new configuration holds');
      expect(server.stderr).toContain('next.config.js has changed');
    });
  });
}
