import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { cleanUp, cli, makeProject } from './support/cli';

jest.setTimeout(60_000);

let server: TemporaryPostgres;

beforeAll(async () => {
  server = await startTemporaryPostgres();
});
afterAll(() => server.stop());
afterEach(cleanUp);

const NEXT_CONFIG = `import { withPuff } from 'next-puff';\nexport default withPuff({});\n`;

interface Check {
  name: string;
  status: string;
  message: string;
  hint?: string;
}

/** Runs the doctor and returns its exit code and its checks by name. */
async function examine(cwd: string, env: Record<string, string> = {}) {
  const { code, stdout } = await cli(['doctor', '--json'], { cwd, env });
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  return { code, ok, checks: Object.fromEntries(checks.map((check) => [check.name, check])) };
}

describe('a healthy project', () => {
  test('with a database of its own', async () => {
    const cwd = makeProject({ 'next.config.ts': NEXT_CONFIG });
    const { code, ok, checks } = await examine(cwd, { DATABASE_URL: server.url });
    expect(Object.values(checks).map(({ name, status }) => `${name} ${status}`)).toEqual([
      'Node.js ok',
      'Next.js ok',
      'native addon ok',
      'puff.config ok',
      'withPuff ok',
      'database ok',
    ]);
    expect(checks.database?.message).toMatch(/^PostgreSQL 18\.4 at 127\.0\.0\.1:\d+\/app$/);
    expect(JSON.stringify(checks)).not.toContain(new URL(server.url).password);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
  });

  test('without one the embedded PostgreSQL is found, and nothing is started', async () => {
    const cwd = makeProject({ 'next.config.ts': NEXT_CONFIG });
    const { code, stdout } = await cli(['doctor'], { cwd });
    expect(stdout).toMatch(/^✓ database: none configured; the embedded PostgreSQL 18\.4 will be/m);
    expect(stdout).toContain('All is well.');
    expect(code).toBe(0);
    expect(existsSync(join(cwd, '.puff'))).toBe(false);
  });
});

describe('what is broken is said, with what to do', () => {
  test('no withPuff: no config, a config without it, a call that is commented out', async () => {
    for (const files of [
      {},
      { 'next.config.ts': 'export default {};' },
      {
        'next.config.ts': `import { withPuff } from 'next-puff';\n// withPuff({})\nexport default {};`,
      },
    ]) {
      const { code, checks } = await examine(makeProject(files), { DATABASE_URL: server.url });
      expect(checks.withPuff).toMatchObject({ status: 'failed' });
      expect(checks.withPuff?.hint).toContain('export default withPuff(');
      expect(code).toBe(1);
    }
  });

  test('an addon that is missing, and one that is for another platform', async () => {
    const cwd = makeProject({ 'next.config.ts': NEXT_CONFIG, 'other.node': 'not made for here' });
    for (const [addon, message] of [
      ['missing.node', /is missing for/],
      ['other.node', /cannot be loaded on/],
    ] as const) {
      const { code, checks } = await examine(cwd, {
        DATABASE_URL: server.url,
        NEXT_PUFF_ADDON: join(cwd, addon),
      });
      expect(checks['native addon']).toMatchObject({ status: 'failed' });
      expect(checks['native addon']?.message).toMatch(message);
      expect(checks['native addon']?.hint).toContain('install');
      expect(checks.database).toMatchObject({ status: 'skipped' });
      expect(code).toBe(1);
    }
  });

  test('an invalid config; the database is not looked for then', async () => {
    const cwd = makeProject({
      'next.config.ts': NEXT_CONFIG,
      'puff.config.ts': `export default { postgres: { maxConnections: 'many' } };`,
    });
    const { code, checks } = await examine(cwd);
    expect(checks['puff.config']).toMatchObject({ status: 'failed' });
    expect(checks['puff.config']?.message).toContain('maxConnections');
    expect(checks.database).toMatchObject({ status: 'skipped' });
    expect(code).toBe(1);
  });

  test('no Next.js', async () => {
    const cwd = makeProject({ 'next.config.ts': NEXT_CONFIG });
    rmSync(join(cwd, 'node_modules'));
    const { code, checks } = await examine(cwd, { DATABASE_URL: server.url });
    expect(checks['Next.js']).toMatchObject({ status: 'failed' });
    expect(checks['Next.js']?.hint).toContain('npm install next@16');
    expect(code).toBe(1);
  });

  test('a wrong password, a missing database, a server that does not answer', async () => {
    const cwd = makeProject({ 'next.config.ts': NEXT_CONFIG });
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    const missing = new URL(server.url);
    missing.pathname = '/missing';
    const silent = new URL(server.url);
    silent.port = '1';
    for (const [url, message] of [
      [wrong, /password authentication failed/],
      [missing, /database "missing" does not exist/],
      [silent, /127\.0\.0\.1:1|connect/i],
    ] as const) {
      const { code, checks } = await examine(cwd, { DATABASE_URL: url.href });
      expect(checks.database).toMatchObject({ status: 'failed' });
      expect(checks.database?.message).toMatch(message);
      expect(checks.database?.hint).toBeTruthy();
      expect(code).toBe(1);
    }
  });

  test('each named pool is checked for itself', async () => {
    const cwd = makeProject({
      'next.config.ts': NEXT_CONFIG,
      'puff.config.ts': `export default { postgres: { url: '${server.url}', pools: {
        good: { url: '${server.url}' }, bad: { url: 'postgres://a:b@127.0.0.1:1/none' } } } };`,
    });
    const { code, checks } = await examine(cwd);
    expect(checks.database).toMatchObject({ status: 'ok' });
    expect(checks['database "good"']).toMatchObject({ status: 'ok' });
    expect(checks['database "bad"']).toMatchObject({ status: 'failed' });
    expect(code).toBe(1);
  });
});
