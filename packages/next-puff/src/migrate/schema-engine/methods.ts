import {
  bindMigrationAwareSqlAdapterFactory,
  type ErrorCapturingSqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import { PostgresError, PuffError } from '../../errors.js';
import type { EngineArguments } from './arguments.js';
import { createDatabase } from './database-commands.js';
import { DatabaseUrl } from './database-url.js';
import { type MigrationHistory, type SchemaEngine, startEngine } from './engine.js';
import { engineFailure, scriptRefused, withHistory } from './engine-failure.js';
import { introspectSql, type SqlQuery } from './introspect-sql.js';
import { offlineAdapterFactory } from './offline-adapter.js';
import { SchemaAdapterFactory } from './schema-adapter.js';
import { withSession } from './session.js';

/** What is looked at here of a call's parameters; the rest goes to the engine as it is. */
export interface MethodParams {
  migrationsList?: unknown;
  filters?: unknown;
  datasource?: { url?: string };
  /** Of `dbExecute`. */
  datasourceType?: { url?: string };
  script?: string;
  /** Of `diff`. */
  from?: { tag: string };
  to?: { tag: string };
  /** Of `introspectSql`. */
  url?: string;
  queries?: SqlQuery[];
}

/** What `diff` can compare without a database. */
const OFFLINE_TARGETS = new Set<string | undefined>(['empty', 'schemaDatamodel']);

/** What the methods say beside their results. */
export interface EngineOutput {
  /** A line of the engine's log, a JSON object. */
  log(line: string): void;
  /** Text for the user, on the standard output of the CLI. */
  print(text: string): void;
}

/**
 * The methods of the schema engine that Prisma calls, on one WebAssembly engine that is started by the
 * first call.
 */
export class EngineMethods {
  readonly #arguments: EngineArguments;
  readonly #output: EngineOutput;
  #adapter: SchemaAdapterFactory | undefined;
  #bound: ErrorCapturingSqlMigrationAwareDriverAdapterFactory | undefined;
  #engine: Promise<SchemaEngine> | undefined;

  constructor(args: EngineArguments, output: EngineOutput) {
    this.#arguments = args;
    this.#output = output;
  }

  /** Calls a method; a failure is rejected as an `EngineFailure`. */
  async call(method: string, given: MethodParams | null): Promise<unknown> {
    const params = given ?? {};
    if (this.#adapter) this.#adapter.scriptFailure = undefined;
    try {
      return await this.#call(method, params);
    } catch (thrown) {
      const failure = engineFailure(this.#original(thrown), this.#adapter?.scriptFailure);
      const { url } = this.#arguments.datasource;
      throw url ? await withHistory(failure, new DatabaseUrl(url)) : failure;
    }
  }

  /** Closes the connections. */
  async dispose(): Promise<void> {
    await this.#adapter?.dispose();
  }

  async #call(method: string, params: MethodParams): Promise<unknown> {
    switch (method) {
      case 'createDatabase': {
        const url = new DatabaseUrl(params.datasource?.url ?? this.#url());
        await createDatabase(url);
        return { databaseName: url.database };
      }
      case 'getDatabaseVersion':
        return (await this.#start()).version(null);
      // Neither command minds migrations that were edited; whoever did it should know.
      case 'applyMigrations':
        this.#warnOfEdits(await this.#diagnose(params, false));
        break;
      case 'diagnoseMigrationHistory': {
        const history = await (await this.#start()).diagnoseMigrationHistory(params);
        this.#warnOfEdits(history);
        return history;
      }
      // These two replay the migrations, but only this method gives the engine a shadow database.
      case 'evaluateDataLoss':
      case 'createMigration':
        await this.#diagnose(params, true);
        break;
      case 'diff':
        return this.#diff(params);
      case 'dbExecute':
        return this.#execute(params);
      case 'introspectSql':
        return this.#introspectSql(params);
    }
    const engine = (await this.#start()) as unknown as Record<string, EngineMethod | undefined>;
    const run = engine[method];
    if (run === undefined) {
      throw new PuffError(
        'PUFF_PRISMA_ENGINE_UNUSABLE',
        `The schema engine has no method "${method}".`,
        { operation: 'migrate' },
      );
    }
    return (await run.call(engine, params)) ?? {};
  }

  /** The CLI expects that the engine prints the difference by itself. */
  async #diff(params: MethodParams): Promise<unknown> {
    const isOffline = [params.from, params.to].every((side) => OFFLINE_TARGETS.has(side?.tag));
    const engine = isOffline ? this.#startOffline() : this.#start();
    const { exitCode, stdout } = await (await engine).diff(params);
    if (stdout) this.#output.print(stdout.trimEnd());
    return { exitCode, stdout: null };
  }

  /** The WebAssembly engine sends the script as a single statement. */
  async #execute({ datasourceType, script = '' }: MethodParams): Promise<unknown> {
    const url = new DatabaseUrl(datasourceType?.url ?? this.#url());
    await withSession(url, (session) => session.script(script)).catch((error: unknown) => {
      throw error instanceof PostgresError ? scriptRefused({ script, error }) : error;
    });
    return {};
  }

  async #introspectSql({ url = this.#url(), queries = [] }: MethodParams): Promise<unknown> {
    return withSession(new DatabaseUrl(url), async (session) => {
      const introspected: unknown[] = [];
      for (const query of queries) {
        const { schemaFiles } = this.#arguments;
        introspected.push(
          await introspectSql(session, query, schemaFiles).catch((error: unknown) => {
            const script = query.source;
            throw error instanceof PostgresError ? scriptRefused({ script, error }) : error;
          }),
        );
      }
      return { queries: introspected };
    });
  }

  #warnOfEdits({ editedMigrationNames: names }: MigrationHistory): void {
    if (names.length === 0) return;
    this.#output.print(
      `Warning: changed after they were applied, so this database has their former version:\n${names.map((name) => `  ${name}`).join('\n')}\n` +
        'Restore their migration.sql and write the change as a new migration.',
    );
  }

  async #diagnose(
    { migrationsList, filters }: MethodParams,
    optInToShadowDatabase: boolean,
  ): Promise<MigrationHistory> {
    const engine = await this.#start();
    return engine.diagnoseMigrationHistory({ migrationsList, filters, optInToShadowDatabase });
  }

  #start(): Promise<SchemaEngine> {
    this.#adapter ??= new SchemaAdapterFactory({ ...this.#arguments.datasource, url: this.#url() });
    this.#bound ??= bindMigrationAwareSqlAdapterFactory(this.#adapter);
    const { log } = this.#output;
    this.#engine ??= startEngine(this.#arguments.schemaFiles, this.#bound, log);
    return this.#engine;
  }

  #startOffline(): Promise<SchemaEngine> {
    const adapter = bindMigrationAwareSqlAdapterFactory(offlineAdapterFactory);
    return startEngine(this.#arguments.schemaFiles, adapter, this.#output.log);
  }

  /** Errors that the engine has no name for are kept beside it, under a number. */
  #original(error: unknown): unknown {
    const [, id] = /External error id#(\d+)/.exec((error as Error).message) ?? [];
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

type EngineMethod = (params: MethodParams) => Promise<unknown>;
