import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ErrorCapturingSqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { PuffError } from '../../errors.js';
import { ENGINE_PACKAGE_VARIABLE } from '../engine-variable.js';

/** What is used here of the answer to `diagnoseMigrationHistory`. */
export interface MigrationHistory {
  editedMigrationNames: string[];
}

/** The methods of the WebAssembly engine that are called by name here; it has more. */
export interface SchemaEngine {
  version(params: null): Promise<string>;
  diagnoseMigrationHistory(params: object): Promise<MigrationHistory>;
  diff(params: object): Promise<{ exitCode: number; stdout: string | null }>;
}

type Exports = { __wbindgen_start(): void };

/** What is used of the global `WebAssembly`: TypeScript declares it only among the types of browsers. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: Exports } }>;
  };
};

/** Where the engine leaves the message of a panic, by this name, before it stops for good. */
const panics = { message: undefined as string | undefined };
(globalThis as { PRISMA_WASM_PANIC_REGISTRY?: object }).PRISMA_WASM_PANIC_REGISTRY = {
  set_message(message: string) {
    panics.message = message;
  },
};

/** What the engine said when it panicked, if it has. */
export function panicMessage(): string | undefined {
  return panics.message;
}

/** The JavaScript that goes with the WebAssembly. */
interface Glue {
  SchemaEngine: {
    new: (
      options: { datamodels: [path: string, content: string][] | undefined },
      log: (line: string) => void,
      adapter: object,
    ) => Promise<SchemaEngine>;
  };
  __wbg_set_wasm(exports: Exports): void;
}

/**
 * Starts the WebAssembly build of Prisma's schema engine; it connects to the database.
 *
 * @param log receives what the engine has to say, a JSON object per call
 */
export async function startEngine(
  schemaFiles: string[],
  adapter: ErrorCapturingSqlMigrationAwareDriverAdapterFactory,
  log: (line: string) => void,
): Promise<SchemaEngine> {
  const { SchemaEngine } = await loadGlue();
  const datamodels = await Promise.all(
    schemaFiles.map(
      async (path): Promise<[string, string]> => [path, await readFile(path, 'utf8')],
    ),
  );
  return SchemaEngine.new(
    { datamodels: datamodels.length > 0 ? datamodels : undefined },
    log,
    adapter,
  );
}

async function loadGlue(): Promise<Glue> {
  const directory = process.env[ENGINE_PACKAGE_VARIABLE];
  if (!directory) {
    throw new PuffError(
      'PUFF_PRISMA_ENGINE_UNUSABLE',
      'The schema engine of next-puff was started by something else than next-puff.',
      {
        operation: 'migrate',
        hint: 'Use `npx next-puff prisma ...` in the place of `npx prisma ...`.',
      },
    );
  }
  const glue = (await import(pathToFileURL(join(directory, 'schema_engine_bg.js')).href)) as Glue;
  const code = await readFile(join(directory, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue;
}
