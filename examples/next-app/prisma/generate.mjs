// Writes generated/prisma from schema.prisma, without touching the network.
//
// Every Prisma command fetches the native schema engine unless this variable names one. `generate` itself runs
// on WebAssembly and never starts it, so any program that exists will do: Node itself, on every platform.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const { status, signal } = spawnSync(
  process.execPath,
  [createRequire(import.meta.url).resolve('prisma/build/index.js'), 'generate', '--no-hints'],
  {
    cwd: dirname(dirname(fileURLToPath(import.meta.url))),
    stdio: 'inherit',
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  },
);
if (signal) console.error(`prisma generate was ended by ${signal}.`);
process.exit(status ?? 1);
