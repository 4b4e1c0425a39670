import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  findConfigFile,
  loadConfig,
  publishSettings,
  settings,
  settingsOf,
  withPuff,
} from 'next-puff/config';

let dir: string;

beforeEach(() => {
  delete process.env.NEXT_PUFF_CONFIG;
  dir = mkdtempSync(join(tmpdir(), 'puff-config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(name: string, text: string): void {
  writeFileSync(join(dir, name), text);
}

function codeAndMessage(run: () => unknown): [unknown, string] {
  try {
    run();
  } catch (error) {
    return [(error as { code?: unknown }).code, (error as Error).message];
  }
  throw new Error('It did not throw.');
}

describe('loadConfig', () => {
  test.each([
    ['puff.config.ts', 'const n: number = 5; export default { requests: { deadlineMs: n } };'],
    ['puff.config.mts', 'export default { requests: { deadlineMs: 5 as number } };'],
    ['puff.config.js', 'export default { requests: { deadlineMs: 5 } };'],
    ['puff.config.mjs', 'export default { requests: { deadlineMs: 5 } };'],
  ])('reads %s', (name, text) => {
    write(name, text);
    expect(loadConfig(dir)).toEqual({ requests: { deadlineMs: 5 } });
    expect(findConfigFile(dir)).toBe(join(dir, name));
  });

  test('reads a file again after it changed', () => {
    write('puff.config.ts', 'export default { requests: { deadlineMs: 1 } };');
    loadConfig(dir);
    write('puff.config.ts', 'export default { requests: { deadlineMs: 2 } };');
    expect(loadConfig(dir)).toEqual({ requests: { deadlineMs: 2 } });
  });

  test('a project without the file has the empty config', () => {
    expect(loadConfig(dir)).toEqual({});
    expect(findConfigFile(dir)).toBeUndefined();
  });

  test('refuses two files', () => {
    write('puff.config.ts', 'export default {};');
    write('puff.config.js', 'export default {};');
    const [code, message] = codeAndMessage(() => loadConfig(dir));
    expect(code).toBe('PUFF_CONFIG_INVALID');
    expect(message).toMatch(/puff\.config\.ts and puff\.config\.js/);
  });

  test('says which file cannot be evaluated, and why', () => {
    write('puff.config.ts', "throw new Error('no such secret');");
    expect(codeAndMessage(() => loadConfig(dir))).toEqual([
      'PUFF_CONFIG_INVALID',
      'puff.config.ts cannot be evaluated: no such secret',
    ]);
  });
});

describe('a config that imports next-puff', () => {
  test('gets the modules of the process that loads it, all of their names', () => {
    write(
      'puff.config.ts',
      `import { defineConfig, postgres, PostgresError } from 'next-puff';
       import { postgres as direct } from 'next-puff/postgres';
       export default defineConfig({
         commands: { run: () => [typeof postgres, postgres === direct, new PostgresError('m', { sqlState: 's' })] },
       });`,
    );
    // In a process of its own: Jest cannot require ESM.
    const script = `
      import { loadConfig, postgres, PostgresError } from 'next-puff';
      const [type, same, error] = loadConfig(${JSON.stringify(dir)}).commands.run({ args: [] });
      console.log(type, same, error instanceof PostgresError);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    });
    expect(output.trim()).toBe('function true true');
  });
});

describe('validation', () => {
  test.each([
    ['[]', 'the default export must be an object, got an array'],
    [
      '{ postgres: { maxConnections: "ten" } }',
      'postgres.maxConnections must be a whole number of at least 1, got "ten"',
    ],
    [
      '{ postgres: { maxConnections: 0 } }',
      'postgres.maxConnections must be a whole number of at least 1, got 0',
    ],
    ['{ postgres: { url: "" } }', 'postgres.url must be a string that is not empty, got ""'],
    [
      '{ postgres: { int8: "text" } }',
      'postgres.int8 must be one of "string", "bigint", "number", got "text"',
    ],
    [
      '{ postgres: { pools: { big: { namedStatements: 1 } } } }',
      'postgres.pools.big.namedStatements must be true or false, got 1',
    ],
    ['{ postgres: { pools: { big: "url" } } }', 'postgres.pools.big must be an object, got "url"'],
    [
      '{ requests: { deadlineMs: -1 } }',
      'requests.deadlineMs must be a whole number of milliseconds from 0 to 2147483647, got -1',
    ],
    [
      "{ pubsub: { transport: 'nats' } }",
      'pubsub.transport must be one of "redis", "postgres", "none", got "nats"',
    ],
    [
      '{ requests: { deadlineMs: 1e10 } }',
      'requests.deadlineMs must be a whole number of milliseconds from 0 to 2147483647, got 10000000000',
    ],
    [
      '{ requests: { transaction: {} } }',
      'requests.transaction must be true or false, got an object',
    ],
    ['{ commands: { seed: "seed.ts" } }', 'commands.seed must be a function, got "seed.ts"'],
    [
      '{ postgres: { maxConnection: 5 } }',
      'unknown key postgres.maxConnection.\nDid you mean maxConnections?',
    ],
    ['{ server: true }', 'server must be an object or false, got true'],
    [
      '{ server: { port: 70000 } }',
      'server.port must be a whole number from 0 to 65535, got 70000',
    ],
    [
      '{ server: { workers: "many" } }',
      `server.workers must be a whole number from 1 to 256, or 'auto', got "many"`,
    ],
    [
      '{ server: { health: { live: "up" } } }',
      'server.health.live must be a path that begins with /',
    ],
    ['{ server: { tls: { key: "" } } }', 'server.tls.key must be a string that is not empty'],
    [
      '{ server: { compression: { encodings: ["lzma"] } } }',
      'server.compression.encodings[0] must be one of "zstd", "br", "gzip", "deflate", got "lzma"',
    ],
    [
      '{ server: { trustProxy: "all" } }',
      'server.trustProxy must be a number of proxies, or a list',
    ],
    ['{ server: { shutdown: { requestMs: 1 } } }', 'unknown key server.shutdown.requestMs.'],
    ['{ Requests: {} }', 'unknown key Requests.\nDid you mean requests?'],
    [
      '{ colour: 1 }',
      'unknown key colour.\nKnown keys here: postgres, requests, pubsub, server, redis, tasks, cache, commands.',
    ],
    ['{ postgres: { toString: 1 } }', 'unknown key postgres.toString'],
    ['{ postgres: { pools: { a: { pools: {} } } } }', 'unknown key postgres.pools.a.pools'],
  ])('%s', (config, expected) => {
    write('puff.config.mjs', `export default ${config};`);
    const [code, message] = codeAndMessage(() => loadConfig(dir));
    expect(code).toBe('PUFF_CONFIG_INVALID');
    expect(message).toContain(`puff.config.mjs: ${expected}`);
  });

  test('the server may be configured, or left to Next.js', () => {
    const server =
      '{ workers: "auto", trustProxy: ["10.0.0.0/8"], health: { live: null }, compression: false }';
    write('puff.config.mjs', `export default { server: ${server} };`);
    expect(loadConfig(dir).server).toEqual({
      workers: 'auto',
      trustProxy: ['10.0.0.0/8'],
      health: { live: null },
      compression: false,
    });
    write('puff.config.mjs', 'export default { server: false };');
    expect(loadConfig(dir).server).toBe(false);
  });

  test('a key that is undefined is a key that is not there', () => {
    write('puff.config.mjs', 'export default { postgres: { url: process.env.NO_SUCH } };');
    expect(loadConfig(dir)).toEqual({ postgres: { url: undefined } });
  });
});

describe('settings', () => {
  const settingsWith = (deadlineMs: number) => settingsOf({ requests: { deadlineMs } });

  test('have defaults for requests and hold no functions', () => {
    expect(settingsOf({ commands: { seed: () => {} } })).toEqual({
      postgres: {},
      requests: { deadlineMs: 30_000, transaction: false },
      pubsub: {},
      tasks: {},
      cache: {},
    });
  });

  test('reach other processes through the environment', () => {
    publishSettings(settingsWith(1), 'cli');
    expect(settings()).toEqual(settingsWith(1));
    const text = process.env.NEXT_PUFF_CONFIG;
    publishSettings(settingsWith(2), 'cli');
    expect(settings().requests.deadlineMs).toBe(2);
    process.env.NEXT_PUFF_CONFIG = text;
    expect(settings().requests.deadlineMs).toBe(1);
  });

  test('withPuff publishes the config of its folder, at once and again after a change', () => {
    write('puff.config.ts', 'export default { requests: { deadlineMs: 11 } };');
    withPuff(() => ({}), { dir });
    expect(settings().requests.deadlineMs).toBe(11);
    write('puff.config.ts', 'export default { requests: { deadlineMs: 12 } };');
    withPuff({}, { dir });
    expect(settings().requests.deadlineMs).toBe(12);
  });

  test('withPuff leaves what the CLI published', () => {
    write('puff.config.ts', 'export default { requests: { deadlineMs: 11 } };');
    publishSettings(settingsWith(3), 'cli');
    withPuff({}, { dir });
    expect(settings().requests.deadlineMs).toBe(3);
  });

  test('a process that nobody published to reads the config in its working directory', () => {
    write('puff.config.ts', 'export default { requests: { deadlineMs: 21 } };');
    const before = process.cwd();
    process.chdir(dir);
    try {
      expect(settings().requests.deadlineMs).toBe(21);
    } finally {
      process.chdir(before);
    }
  });

  test('a broken variable is named', () => {
    process.env.NEXT_PUFF_CONFIG = '{';
    expect(codeAndMessage(settings)).toEqual([
      'PUFF_CONFIG_INVALID',
      expect.stringMatching(/NEXT_PUFF_CONFIG does not hold JSON/),
    ]);
  });
});
