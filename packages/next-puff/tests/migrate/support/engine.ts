import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { PrismaProject } from './project';

const PROGRAM = resolve(import.meta.dirname, '../../../bin/schema-engine.js');
const ENGINE = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
const ENV = { ...process.env, NEXT_PUFF_SCHEMA_ENGINE: ENGINE };

/** A running schema engine, spoken to as Prisma does. */
export class SchemaEngine {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #id = 0;

  constructor(project: PrismaProject, program = PROGRAM) {
    this.#process = spawn(program, argumentsFor(project), {
      env: ENV,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const { stdout } = this.#process;
    if (!stdout) throw new Error('no output');
    this.#answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Calls a method and returns the answer. */
  async call(method: string, params: object | null = null): Promise<unknown> {
    this.#id += 1;
    this.#process.stdin?.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: this.#id, method, params })}\n`,
    );
    const { value } = await this.#answers.next();
    return JSON.parse(value ?? 'null');
  }

  /** Ends its input and returns its exit code. */
  async end(): Promise<number | null> {
    const exit = once(this.#process, 'exit');
    this.#process.stdin?.end();
    const [code] = (await exit) as [number | null];
    return code;
  }

  /** Runs one command on the project's database. */
  static command(
    project: PrismaProject,
    name: string,
  ): Promise<{ code: number | null; failure: unknown }> {
    return new Promise((resolve) => {
      const child = execFile(
        PROGRAM,
        [...argumentsFor(project), 'cli', name],
        { env: ENV },
        (_error, _stdout, stderr) => {
          // As Prisma does: without the first line, each of the others is JSON.
          const lines = stderr.trim().split('\n').slice(1);
          const [failure] = lines.map((line) => JSON.parse(line) as unknown);
          resolve({ code: child.exitCode, failure });
        },
      );
    });
  }
}

function argumentsFor({ databaseUrl }: PrismaProject): string[] {
  return ['--datasource', JSON.stringify({ url: databaseUrl })];
}
