import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PACKAGE = resolve(import.meta.dirname, '../..');
const NEXT_PUFF = join(PACKAGE, 'bin/next-puff.js');
const FIXTURE = join(import.meta.dirname, 'fixture-app');

function start(args: string[], env: Readonly<Record<string, string>>): ChildProcess {
  const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, NODE_OPTIONS: ___, ...inherited } = process.env;
  return spawn(process.execPath, [NEXT_PUFF, ...args], {
    cwd: FIXTURE,
    env: { ...inherited, NEXT_TELEMETRY_DISABLED: '1', ...env } as Record<
      string,
      string
    > as NodeJS.ProcessEnv,
  });
}

function collect(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  return () => output;
}

/** Builds the fixture app, with no database anywhere. */
export async function buildApp(): Promise<void> {
  const child = start(['build'], { DATABASE_URL: '' });
  const output = collect(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`next-puff build failed:\n${output()}`);
}

/** The built fixture app, served. */
export class AppServer {
  readonly origin: string;
  readonly output: () => string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, output: () => string, origin: string) {
    this.#child = child;
    this.output = output;
    this.origin = origin;
  }

  static async start(databaseUrl: string): Promise<AppServer> {
    const child = start(['start', '-p', '0'], { DATABASE_URL: databaseUrl });
    const output = collect(child);
    for (let left = 300; left > 0; left--) {
      const [, port] = /http:\/\/localhost:(\d+)/.exec(output()) ?? [];
      if (port !== undefined && /Ready in/.test(output())) {
        return new AppServer(child, output, `http://127.0.0.1:${port}`);
      }
      if (child.exitCode !== null) break;
      await sleep(100);
    }
    child.kill('SIGKILL');
    throw new Error(`next-puff start did not come up:\n${output()}`);
  }

  /** Memory of the server process in use, in megabytes. */
  memory(): number {
    // With a database of its own the command serves in its own process.
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(status) ?? [];
    return Number(kilobytes) / 1024;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null) await once(this.#child, 'close');
  }
}
