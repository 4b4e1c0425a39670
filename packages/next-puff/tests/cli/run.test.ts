import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { embeddedPostgresStatus, startTemporaryPostgres } from 'next-puff/embedded';
import { cleanUp, cli, makeProject } from './support/cli';

jest.setTimeout(60_000);

// One project for most tests, because creating its database is the slowest part.
let cwd: string;
beforeAll(() => {
  cwd = makeProject({ 'puff.config.ts': CONFIG });
});
afterAll(cleanUp);

const CONFIG = `
  import { defineConfig } from 'next-puff';
  export default defineConfig({
    commands: {
      hello: ({ args }) => console.log(JSON.stringify(args)),
      broken: async () => { throw new Error('the seed is rotten'); },
      lingering: async () => { setInterval(() => {}, 1000); },
      where: () => console.log(process.env.DATABASE_URL, process.env.FLAVOUR),
      query: async () => {
        const { postgres } = await import('next-puff/postgres');
        const [row] = await postgres\`select current_database() as name, 40 + 2 as answer\`;
        console.log(JSON.stringify(row));
      },
      mistake: async () => {
        const { postgres } = await import('next-puff/postgres');
        await postgres\`select * from no_such_table\`;
      },
    },
  });
`;

describe('next-puff run', () => {
  test('calls the function with its arguments, options included, and an embedded database', async () => {
    const { code, stdout, stderr } = await cli(['run', 'hello', 'a b', '--help', '--fast=1'], {
      cwd,
    });
    expect(stdout).toBe('["a b","--help","--fast=1"]\n');
    expect(stderr).toContain('embedded PostgreSQL ready on port');
    expect(code).toBe(0);
    expect(embeddedPostgresStatus(cwd).state).toBe('stopped');
  });

  test('a query of a command reaches the embedded database', async () => {
    expect(await cli(['run', 'query'], { cwd })).toMatchObject({
      code: 0,
      stdout: '{"name":"app","answer":42}\n',
    });
  });

  test('a command that throws exits with 1 and shows its error and stack', async () => {
    const { code, stderr } = await cli(['run', 'broken'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('command "broken" failed: Error: the seed is rotten');
    expect(stderr).toMatch(/at .*puff\.config\.ts/);
    expect(embeddedPostgresStatus(cwd).state).toBe('stopped');
  });

  test('a wrong statement is shown with what PostgreSQL says and its code', async () => {
    const { code, stderr } = await cli(['run', 'mistake'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('relation "no_such_table" does not exist');
    expect(stderr).toContain('[PUFF_POSTGRES_QUERY]');
  });

  test('a command that leaves a timer behind does not keep the process', async () => {
    expect((await cli(['run', 'lingering'], { cwd })).code).toBe(0);
  });

  test('a configured database is used and no other is started', async () => {
    const server = await startTemporaryPostgres();
    try {
      const fromFile = makeProject({
        'puff.config.ts': CONFIG,
        '.env': `DATABASE_URL=${server.url}\nFLAVOUR=vanilla\n`,
      });
      expect((await cli(['run', 'where'], { cwd: fromFile })).stdout).toBe(
        `${server.url} vanilla\n`,
      );
      expect(existsSync(join(fromFile, '.puff'))).toBe(false);

      const fromConfig = makeProject({
        'puff.config.ts': CONFIG.replace(
          'commands',
          `postgres: { url: '${server.url}' }, commands`,
        ),
      });
      expect((await cli(['run', 'query'], { cwd: fromConfig })).stdout).toContain('"answer":42');
      expect(existsSync(join(fromConfig, '.puff'))).toBe(false);
    } finally {
      await server.stop();
    }
  });

  test('without a name it lists the commands', async () => {
    const { code, stdout } = await cli(['run'], { cwd });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual([
      'hello',
      'broken',
      'lingering',
      'where',
      'query',
      'mistake',
    ]);
  });

  test('an unknown command exits with 2 and starts nothing', async () => {
    const own = makeProject({ 'puff.config.ts': CONFIG });
    const near = await cli(['run', 'helo'], { cwd: own });
    expect(near).toMatchObject({ code: 2 });
    expect(near.stderr).toContain('Did you mean "hello"?');
    const far = await cli(['run', 'toString'], { cwd: own });
    expect(far).toMatchObject({ code: 2 });
    expect(far.stderr).toContain('It declares: hello, broken');
    expect(existsSync(join(own, '.puff'))).toBe(false);
  });

  test('a config that is wrong is an error that names the file', async () => {
    const own = makeProject({ 'puff.config.ts': 'export default { postgres: { url: 5 } }' });
    const { code, stderr } = await cli(['run', 'hello'], { cwd: own });
    expect(code).toBe(1);
    expect(stderr).toContain('puff.config.ts');
    expect(stderr).toContain('[PUFF_CONFIG_INVALID]');
  });
});
