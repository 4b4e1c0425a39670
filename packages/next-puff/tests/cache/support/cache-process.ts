import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('cache-program.mjs', import.meta.url));
const PATIENCE_MS = 60_000;

interface Report {
  call: number;
  value?: unknown;
  error?: string;
}

/** A process of its own with the app's cache; see `cache-program.mjs` for what it can do. */
export class CacheProcess {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, (report: Report) => void>();
  #lastCall = 0;

  constructor(env: Record<string, string>) {
    const { DATABASE_URL: _database, REDIS_URL: _redis, ...rest } = process.env;
    this.#child = fork(PROGRAM, { serialization: 'advanced', env: { ...rest, ...env } });
    this.#child.on('message', (report: Report) => {
      this.#calls.get(report.call)?.(report);
      this.#calls.delete(report.call);
    });
  }

  /** Asks it to do something and resolves with what it returns. */
  async call<Value = void>(method: string, ...args: unknown[]): Promise<Value> {
    const call = ++this.#lastCall;
    const answered = new Promise<Report>((resolve) => this.#calls.set(call, resolve));
    this.#child.send({ call, method, args });
    const report = await answered;
    if (report.error !== undefined) throw new Error(report.error);
    return report.value as Value;
  }

  /** Resolves when a key has a value, or none. */
  async until(key: string, value: unknown): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while ((await this.call<unknown>('get', key)) !== value) {
      if (Date.now() > deadline) throw new Error(`${key} did not become ${String(value)}.`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
