import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('cache-program.mjs', import.meta.url));
const PATIENCE_MS = 30_000;

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
  #output = '';

  constructor(env: Record<string, string> = {}) {
    const { DATABASE_URL: _, REDIS_URL: __, NEXT_PUFF_CONFIG: ___, ...rest } = process.env;
    this.#child = fork(PROGRAM, {
      serialization: 'advanced',
      env: { ...rest, NEXT_PUFF_CACHE: '1', ...env },
      silent: true,
    });
    this.#child.on('message', (report: Report) => {
      this.#calls.get(report.call)?.(report);
      this.#calls.delete(report.call);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text) => {
        this.#output += text;
      });
    }
  }

  /** One that finds this Redis, and waits for it longer than an app would: on a busy machine answers take their time. */
  static withRedis(url: string, cache: Record<string, unknown> = {}): CacheProcess {
    const settings = {
      postgres: {},
      requests: { deadlineMs: 0, transaction: false },
      tasks: {},
      cache: { redisTimeoutMs: 2000, ...cache },
    };
    return new CacheProcess({
      REDIS_URL: url,
      NEXT_PUFF_CONFIG: JSON.stringify({ publisher: 'cli', settings }),
    });
  }

  /** What it has printed. */
  get output(): string {
    return this.#output;
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
    const is = async () => (await this.call<unknown>('get', key)) === value;
    await eventually(is, `${key} is ${String(value)}`);
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** Resolves when something is so. */
export async function eventually(is: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await is())) {
    if (Date.now() > deadline) throw new Error(`It did not come about that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets the clock go on: Next.js tells the times of entries and of revalidations apart by milliseconds. */
export async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() <= now + 1) await new Promise((resolve) => setImmediate(resolve));
}
