import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('program.mjs', import.meta.url));
const PATIENCE_MS = 60_000;

/** A message that a process heard. */
export interface Heard {
  channel: string;
  pattern: string | undefined;
  sender: string | undefined;
  kind: 'text' | 'binary' | 'json';
  value: unknown;
}

interface Report {
  call?: number;
  value?: unknown;
  error?: string;
  heard?: Heard;
  gap?: true;
  refusal?: string;
}

/** A process of its own with one connection to pub/sub; see `program.mjs` for what it can do. */
export class NodeProcess {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, (report: Report) => void>();
  #lastCall = 0;
  #changed = () => {};
  /** What it has heard and nobody has taken. */
  heard: Heard[] = [];
  gaps = 0;
  /** Why it reads no more. */
  refusal: string | undefined;

  constructor(env: Record<string, string>) {
    const { DATABASE_URL: _database, REDIS_URL: _redis, ...rest } = process.env;
    this.#child = fork(PROGRAM, { serialization: 'advanced', env: { ...rest, ...env } });
    this.#child.on('message', (report: Report) => this.#take(report));
  }

  /** The number of the process. */
  get pid(): number {
    return this.#child.pid as number;
  }

  /** Asks it to do something and resolves with what it returns. */
  async call<Value = void>(method: string, ...args: unknown[]): Promise<Value> {
    const call = ++this.#lastCall;
    const answered = new Promise<Report>((resolve) => this.#calls.set(call, resolve));
    this.#child.send({ call, method, args });
    const report = await Promise.race([answered, this.#ended()]);
    if (report.error !== undefined) throw new Error(report.error);
    return report.value as Value;
  }

  /** Listens to channels and patterns, and resolves when messages of others arrive. */
  async listen(channels: string[], patterns: string[] = []): Promise<void> {
    for (const channel of channels) await this.call('subscribe', channel);
    for (const pattern of patterns) await this.call('subscribePattern', pattern);
    await this.call('ready');
  }

  /** Takes so many messages, once they have come. */
  async take(count: number): Promise<Heard[]> {
    await this.until(() => this.heard.length >= count);
    return this.heard.splice(0, count);
  }

  /** Resolves when a condition on what it has heard holds. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`It did not come: ${this.heard.length} messages, ${this.gaps} gaps.`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #take({ call, heard, gap, refusal, ...report }: Report): void {
    if (call !== undefined) {
      this.#calls.get(call)?.(report);
      this.#calls.delete(call);
    }
    if (heard !== undefined) this.heard.push(heard);
    if (gap) this.gaps++;
    this.refusal ??= refusal;
    this.#changed();
  }

  async #ended(): Promise<never> {
    const [code, signal] = await once(this.#child, 'exit');
    throw new Error(`The process has ended (${code ?? signal}).`);
  }
}
