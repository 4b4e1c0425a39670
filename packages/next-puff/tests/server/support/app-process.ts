import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment } from './built-app.ts';

const SCRIPTS = {
  next: createRequire(import.meta.url).resolve('next/dist/bin/next'),
  'next-puff': join(import.meta.dirname, '../../../bin/next-puff.js'),
};

/** Which command serves an app. */
export type Command = keyof typeof SCRIPTS;

/** Who is tested: `next-puff`; with `next` the tests show that they ask for nothing else than Next.js does. */
export const CONTENDER = (process.env.NEXT_PUFF_TEST_CONTENDER ?? 'next-puff') as Command;

interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Whether the app's folder goes with it. Default true. */
  readonly removesDir?: boolean;
}

/** A process that serves a built app. */
export class AppProcess {
  readonly port: number;
  readonly dir: string;
  readonly #child: ChildProcess;
  readonly #removesDir: boolean;
  #output = '';

  private constructor(child: ChildProcess, port: number, dir: string, removesDir: boolean) {
    this.#child = child;
    this.port = port;
    this.dir = dir;
    this.#removesDir = removesDir;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += chunk;
      });
    }
  }

  static async start(
    command: Command,
    dir: string,
    { args = [], env = {}, removesDir = true }: StartOptions = {},
  ): Promise<AppProcess> {
    const port = await freePort();
    const child = spawn(
      process.execPath,
      [SCRIPTS[command], 'start', '-p', String(port), '-H', '127.0.0.1', ...args],
      {
        cwd: dir,
        // Nobody connects to it: it keeps the embedded PostgreSQL from being started.
        env: environment({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing', ...env }),
        detached: true,
      },
    );
    const app = new AppProcess(child, port, dir, removesDir);
    for (let left = 600; left > 0 && child.exitCode === null; left--) {
      if (/Ready in/.test(app.output)) return app;
      await sleep(50);
    }
    await app.kill();
    throw new Error(`${command} start did not come up:\n${app.output}`);
  }

  /** What it has printed. */
  get output(): string {
    return this.#output;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Memory of the process that serves, in megabytes. */
  memory(): number {
    const sizes = processTree(this.#child.pid as number).map((pid) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    });
    return Math.max(...sizes);
  }

  /** Ends it at once, with all that it has started. */
  async kill(): Promise<void> {
    if (this.isRunning) {
      const closed = once(this.#child, 'close');
      process.kill(-(this.#child.pid as number), 'SIGKILL');
      await closed;
    }
    if (this.#removesDir) rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A process and those that it has started. */
function processTree(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) => {
    const listed = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
    return listed === '' ? [] : listed.split(' ').map(Number);
  });
  return [pid, ...children.flatMap(processTree)];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
