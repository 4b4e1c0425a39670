import {
  bindMigrationAwareSqlAdapterFactory,
  type ErrorCapturingSqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import { PuffError } from '../../errors.js';
import type { EngineArguments } from './arguments.js';
import { createDatabase } from './database-commands.js';
import { DatabaseUrl } from './database-url.js';
import { SchemaAdapterFactory } from './driver-adapter.js';
import { startEngine } from './engine.js';
import { engineFailure } from './engine-failure.js';

/** Parameters of a call; what is used here of the engine's `MigrationList`. */
export interface MethodParams {
  migrationsList?: { migrationDirectories: MigrationDirectory[] };
  filters?: unknown;
  datasource?: { url?: string };
}

interface MigrationDirectory {
  /** The migration's name. */
  path: string;
  migrationFile: { content: { tag: 'ok' | 'error'; value: string } };
}

/**
 * The methods of the schema engine that Prisma calls, on one WebAssembly engine that is started by the
 * first call.
 */
export class EngineMethods {
  readonly #arguments: EngineArguments;
  readonly #log: (line: string) => void;
  #adapter: SchemaAdapterFactory | undefined;
  #bound: ErrorCapturingSqlMigrationAwareDriverAdapterFactory | undefined;
  #engine: ReturnType<typeof startEngine> | undefined;

  constructor(args: EngineArguments, log: (line: string) => void) {
    this.#arguments = args;
    this.#log = log;
  }

  /** Calls a method; a failure is rejected in the form that the CLI prints. */
  async call(method: string, params: MethodParams | null): Promise<unknown> {
    try {
      return await this.#call(method, params ?? {});
    } catch (error) {
      throw engineFailure(this.#original(error), params ?? {}, this.#adapter?.scriptFailure);
    }
  }

  /** Closes the connections. */
  async dispose(): Promise<void> {
    await this.#adapter?.dispose();
  }

  async #call(method: string, params: MethodParams): Promise<unknown> {
    if (method === 'createDatabase') {
      const url = new DatabaseUrl(params.datasource?.url ?? this.#url());
      await createDatabase(url);
      return { databaseName: url.database };
    }
    const engine = await this.#start();
    if (method === 'getDatabaseVersion') return engine.version?.(null);
    // These two replay the migrations, but only this method connects the engine to a shadow database.
    if (method === 'evaluateDataLoss' || method === 'createMigration') {
      await engine.diagnoseMigrationHistory?.({
        migrationsList: params.migrationsList,
        filters: params.filters,
        optInToShadowDatabase: true,
      });
    }
    const run = engine[method];
    if (typeof run !== 'function') {
      throw new PuffError(
        'PUFF_PRISMA_ENGINE_UNUSABLE',
        `The schema engine has no method "${method}".`,
      );
    }
    return (await run.call(engine, params)) ?? {};
  }

  #start(): ReturnType<typeof startEngine> {
    this.#adapter ??= new SchemaAdapterFactory({ ...this.#arguments.datasource, url: this.#url() });
    this.#bound ??= bindMigrationAwareSqlAdapterFactory(this.#adapter);
    this.#engine ??= startEngine(this.#arguments.schemaFiles, this.#bound, this.#log);
    return this.#engine;
  }

  /** Errors that the engine has no name for are kept beside it, under a number. */
  #original(error: unknown): unknown {
    const [, id] = /^External error id#(\d+)/.exec((error as Error).message) ?? [];
    return (id && this.#bound?.errorRegistry.consumeError(Number(id))?.error) || error;
  }

  #url(): string {
    const { url } = this.#arguments.datasource;
    if (url) return url;
    throw new PuffError('PUFF_POSTGRES_NOT_CONFIGURED', 'The Prisma config names no database.', {
      operation: 'migrate',
      hint: 'Set datasource: { url: process.env.DATABASE_URL } in prisma.config.ts.',
    });
  }
}
