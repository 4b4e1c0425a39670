// Generates the clients of the tests into ../generated, where that was not done for the schema as it is.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const tests = resolve(import.meta.dirname, '..');
const generated = join(tests, 'generated');

/**
 * The variants of the schema: how Prisma joins relations is decided when the client is generated.
 */
const variants = {
  client: (schema) => schema,
  joins: (schema) =>
    schema
      .replace('../generated/client', '../generated/joins')
      .replace('generator client {', 'generator client {\n  previewFeatures = ["relationJoins"]'),
};

/** Jest's global set-up, and what `npm run types` does first. */
export default function generate() {
  const schema = readFileSync(join(tests, 'support/schema.prisma'), 'utf8');
  const { version } = require('prisma/package.json');
  for (const [name, variant] of Object.entries(variants)) {
    const text = variant(schema);
    const stamp = createHash('sha256').update(`${version}\n${text}`).digest('hex');
    const stampFile = join(generated, name, 'stamp');
    if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) continue;
    // Made aside and moved, so that tests that start at the same time find all of it or nothing.
    const scratch = join(generated, `${name}-${process.pid}`);
    mkdirSync(scratch, { recursive: true });
    const schemaFile = join(scratch, 'schema.prisma');
    writeFileSync(schemaFile, text.replace(`../generated/${name}`, './client'));
    execFileSync(
      process.execPath,
      [require.resolve('prisma/build/index.js'), 'generate', '--no-hints', '--schema', schemaFile],
      {
        cwd: scratch,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          // The schema engine is downloaded unless this names a program; `generate` never starts it.
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
          CHECKPOINT_DISABLE: '1',
        },
      },
    );
    writeFileSync(join(scratch, 'client/stamp'), stamp);
    rmSync(join(generated, name), { recursive: true, force: true });
    renameSync(join(scratch, 'client'), join(generated, name));
    rmSync(scratch, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generate();
