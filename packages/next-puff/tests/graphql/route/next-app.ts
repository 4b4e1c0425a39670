import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PACKAGE = join(import.meta.dirname, '../../..');
const FIXTURE = join(import.meta.dirname, 'fixture-app');
// Below this folder, so that the copies find the packages of the workspace.
const COPIES = join(import.meta.dirname, '.puff');
const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');

const PUFF = join(PACKAGE, 'bin/next-puff.js');

/** A copy of the fixture app. */
export class NextApp {
  readonly #dir: string;
  readonly #env: Record<string, string | undefined>;
  readonly #servers: ChildProcess[] = [];
  #origin = '';
  #output = () => '';

  /**
   * @param how next-puff is in the app's own `node_modules`, as an installation puts it there, or is the
   * workspace's link; bundlers treat the two differently
   */
  constructor(how: 'copied' | 'linked', env: Record<string, string> = {}) {
    mkdirSync(COPIES, { recursive: true });
    this.#dir = mkdtempSync(join(COPIES, 'app-'));
    cpSync(FIXTURE, this.#dir, { recursive: true });
    if (how === 'copied') {
      const target = join(this.#dir, 'node_modules', 'next-puff');
      for (const part of ['package.json', 'dist']) {
        cpSync(join(PACKAGE, part), join(target, part), { recursive: true });
      }
    }
    const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, NODE_OPTIONS: ___, ...inherited } = process.env;
    this.#env = { ...inherited, NEXT_TELEMETRY_DISABLED: '1', ...env };
  }

  /** Where its GraphQL is. */
  get url(): string {
    return this.at('/api/graphql');
  }

  /** What its server has printed. */
  get output(): string {
    return this.#output();
  }

  /** The URL of a path. */
  at(path: string): string {
    return `${this.#origin}${path}`;
  }

  /** Runs `next build`, without any database. */
  async build(): Promise<string> {
    const child = this.#spawn(['build'], { DATABASE_URL: '' });
    const output = collect(child);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`next build failed:\n${output()}`);
    return output();
  }

  async start(command: 'start' | 'dev', databaseUrl: string): Promise<void> {
    const child = this.#spawn([command, '--port', '0', '--hostname', '127.0.0.1'], {
      DATABASE_URL: databaseUrl,
    });
    this.#output = collect(child);
    this.#origin = await this.#ready(child, this.#output);
  }

  /** Runs `next-puff start` on the same build (or `next-puff dev`), and gives its origin. */
  async startPuff(databaseUrl: string, command: 'start' | 'dev' = 'start'): Promise<string> {
    const args = [command, '--port', '0', '--hostname', '127.0.0.1'];
    const child = this.#spawn(args, { DATABASE_URL: databaseUrl }, PUFF);
    return this.#ready(child, collect(child));
  }

  async #ready(child: ChildProcess, output: () => string): Promise<string> {
    this.#servers.push(child);
    for (let left = 600; left > 0 && child.exitCode === null; left--) {
      const [, origin] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(output()) ?? [];
      if (origin !== undefined && /Ready in/.test(output())) return origin;
      await sleep(100);
    }
    throw new Error(`${child.spawnargs.join(' ')} did not come up:\n${output()}`);
  }

  query(query: string, init: RequestInit = {}, url = this.url): Promise<Response> {
    return fetch(url, {
      method: 'POST',
      body: JSON.stringify({ query }),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  }

  /** Changes a file of the app. */
  write(path: string, text: string): void {
    writeFileSync(join(this.#dir, path), text);
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      if (server.exitCode !== null) continue;
      const closed = once(server, 'close');
      // `next dev` is two processes.
      process.kill(-(server.pid as number), 'SIGKILL');
      await closed;
    }
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }

  #spawn(args: string[], env: Record<string, string>, program = NEXT): ChildProcess {
    return spawn(process.execPath, [program, ...args], {
      cwd: this.#dir,
      env: { ...this.#env, ...env } as NodeJS.ProcessEnv,
      detached: true,
    });
  }
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += chunk;
    });
  }
  return () => text;
}
