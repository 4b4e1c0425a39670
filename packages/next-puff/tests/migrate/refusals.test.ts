import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { cleanUp, cli, makeProject } from '../cli/support/cli';
import { MigrationServer, PRISMA_CONFIG, PrismaProject } from './support/project';

jest.setTimeout(90_000);

const NODE_MODULES = resolve(import.meta.dirname, '../../../../node_modules');

let server: MigrationServer;
beforeAll(async () => {
  server = await MigrationServer.start();
});
afterAll(async () => {
  await cleanUp();
  await server.stop();
});

describe('a database that cannot be used', () => {
  test('does not exist, for status', async () => {
    const { code, stderr } = await server.project().migrate('status');
    expect(stderr).toMatch(/P1003: Database `notes_\d+` does not exist/);
    expect(code).toBe(1);
  });

  test('is not reachable', async () => {
    const { code, stderr } = await new PrismaProject('postgres://me:pw@127.0.0.1:1/x').migrate(
      'deploy',
    );
    expect(stderr).toContain("P1001: Can't reach database server at `127.0.0.1:1`");
    expect(code).toBe(1);
  });

  test('refuses the password', async () => {
    const url = server.newUrl().replace(/(:\/\/\w+:)[^@]+/, '$1wrong');
    const { code, stderr } = await new PrismaProject(url).migrate('deploy');
    expect(stderr).toContain('P1000: Authentication failed against database server');
    expect(stderr).toContain('`postgres`');
    expect(code).toBe(1);
  });

  test('is not PostgreSQL; the password is not shown', async () => {
    const { code, stderr } = await new PrismaProject('mysql://me:secret@host/x').migrate('deploy');
    expect(stderr).toContain('P1013');
    expect(stderr).toContain('postgres://');
    expect(stderr).not.toContain('secret');
    expect(code).toBe(1);
  });
});

describe('a project that is not ready', () => {
  test('without a Prisma config; no database is started', async () => {
    const cwd = makeProject({});
    const { code, stderr } = await cli(['migrate', 'deploy'], { cwd });
    expect(stderr).toContain(`There is no prisma.config.ts in ${cwd}`);
    expect(stderr).toContain('[PUFF_PRISMA_NO_CONFIG]');
    expect(code).toBe(1);
    expect(existsSync(join(cwd, '.puff'))).toBe(false);
  });

  test('without a schema', async () => {
    const cwd = makeProject({ 'prisma.config.ts': PRISMA_CONFIG });
    const { code, stderr } = await cli(['migrate', 'deploy'], {
      cwd,
      env: { DATABASE_URL: server.newUrl() },
    });
    expect(stderr).toContain('prisma/schema.prisma');
    expect(stderr).toContain('not found');
    expect(code).toBe(1);
  });

  test('without Prisma', async () => {
    const cwd = makeProject({ 'prisma.config.ts': PRISMA_CONFIG });
    rmSync(join(cwd, 'node_modules'));
    const { code, stderr } = await cli(['migrate', 'deploy'], { cwd });
    expect(stderr).toContain(`No Prisma CLI is installed for ${cwd}`);
    expect(stderr).toContain('npm install --save-dev prisma@7');
    expect(code).toBe(1);
  });

  test('with a Prisma that needs another engine: both versions and what to install', async () => {
    const cwd = projectWithPrisma({ enginesVersion: '7.99.0-1.abc' });
    const { code, stderr } = await cli(['migrate', 'deploy'], { cwd });
    expect(stderr).toContain('prisma 7.99.0 works with the schema engine 7.99.0-1.abc');
    expect(stderr).toMatch(/but installed is 7\.10\.0-4\.\w{40}\./);
    expect(stderr).toContain('--save-exact @prisma/schema-engine-wasm@7.99.0-1.abc');
    expect(stderr).toContain('[PUFF_PRISMA_ENGINE_MISMATCH]');
    expect(code).toBe(1);
    expect(existsSync(join(cwd, '.puff'))).toBe(false);
  });
});

describe('a native engine is preferred', () => {
  test('that PRISMA_SCHEMA_ENGINE_BINARY names', async () => {
    const project = server.project();
    const { code, stderr } = await project.migrate('deploy', {
      PRISMA_SCHEMA_ENGINE_BINARY: '/no/such/engine',
    });
    expect(stderr).toContain('/no/such/engine');
    expect(code).toBe(1);
  });

  test('that Prisma has downloaded for this platform, and no other', async () => {
    const cwd = projectWithPrisma({ enginesVersion: '7.99.0-1.abc', prints: true });
    const engines = join(cwd, 'node_modules/@prisma/engines');
    const { getBinaryTargetForCurrentPlatform } = createRequire(join(engines, 'package.json'))(
      '@prisma/get-platform',
    ) as { getBinaryTargetForCurrentPlatform(): Promise<string> };
    const env = { DATABASE_URL: server.newUrl() };

    write(join(engines, 'schema-engine-another-platform'), '');
    expect((await cli(['migrate', 'deploy'], { cwd, env })).stderr).toContain('ENGINE_MISMATCH');

    const engine = join(engines, `schema-engine-${await getBinaryTargetForCurrentPlatform()}`);
    write(engine, '');
    expect((await cli(['migrate', 'deploy'], { cwd, env })).stdout).toBe(`${engine}\n`);
  });
});

describe('the command line', () => {
  test.each([
    ['migrate', 'It is one of: dev, deploy'],
    ['migrate depoly', 'Did you mean "next-puff migrate deploy"?'],
    ['migrate frobnicate', 'There is no command "migrate frobnicate".'],
  ])('%s exits with 2', async (args, message) => {
    const { code, stderr } = await cli(args.split(' '));
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test('--help after a command is that of Prisma', async () => {
    const { code, stdout } = await server.project().migrate('deploy --help');
    expect(stdout).toContain('prisma migrate deploy [options]');
    expect(code).toBe(0);
  });
});

/** A project with a made-up Prisma, whose CLI prints the engine that it was given. */
function projectWithPrisma({
  enginesVersion,
  prints = false,
}: {
  enginesVersion: string;
  prints?: boolean;
}) {
  const cwd = makeProject({ 'prisma.config.ts': PRISMA_CONFIG });
  const modules = join(cwd, 'node_modules');
  rmSync(modules);
  const version = enginesVersion.replace(/-.*/, '');
  const manifest = (name: string, own: string) => JSON.stringify({ name, version: own });
  write(join(modules, 'prisma/package.json'), manifest('prisma', version));
  write(
    join(modules, 'prisma/build/index.js'),
    prints ? 'console.log(process.env.PRISMA_SCHEMA_ENGINE_BINARY)' : '',
  );
  write(join(modules, '@prisma/engines/package.json'), manifest('@prisma/engines', version));
  write(
    join(modules, '@prisma/engines-version/package.json'),
    manifest('@prisma/engines-version', enginesVersion),
  );
  symlinkSync(join(NODE_MODULES, '@prisma/get-platform'), join(modules, '@prisma/get-platform'));
  return cwd;
}

function write(file: string, text: string): void {
  mkdirSync(resolve(file, '..'), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}
