import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';

export const FIXTURE_DIR = join(import.meta.dirname, 'fixture-app');
const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');

/** What the fixture's `next.config.mjs` asks for. */
export interface Settings {
  distDir: string;
  basePath?: string;
  /** What stands at `adapterPath` before `withPuff` comes. */
  adapterPath?: string;
}

function next(args: string[], settings: Settings): ChildProcess {
  const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, NEXT_ADAPTER_PATH: ___, ...inherited } = process.env;
  const env = {
    ...inherited,
    NEXT_TELEMETRY_DISABLED: '1',
    FIXTURE_DIST_DIR: settings.distDir,
    FIXTURE_BASE_PATH: settings.basePath ?? '',
    FIXTURE_ADAPTER: settings.adapterPath ?? '',
  };
  return spawn(process.execPath, [NEXT, ...args], {
    cwd: FIXTURE_DIR,
    env: env as Record<string, string> as NodeJS.ProcessEnv,
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

/** Runs `next build` and answers what it printed. */
export async function build(settings: Settings): Promise<string> {
  const child = next(['build'], settings);
  const output = collect(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`next build failed:\n${output()}`);
  return output();
}

/** A file of a build, parsed. */
export function readBuilt<T>(settings: Settings, path: string): T {
  return JSON.parse(readFileSync(join(FIXTURE_DIR, settings.distDir, path), 'utf8')) as T;
}

/** `next start` on a build. */
export class NextStart {
  readonly #child: ChildProcess;
  readonly #origin: string;

  private constructor(child: ChildProcess, origin: string) {
    this.#child = child;
    this.#origin = origin;
  }

  static async begin(settings: Settings): Promise<NextStart> {
    const port = await freePort();
    const child = next(['start', '--hostname', '127.0.0.1', '--port', String(port)], settings);
    const output = collect(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', () => {
        if (output().includes('Ready in')) resolve();
      });
      child.once('close', () => reject(new Error(`next start ended:\n${output()}`)));
    });
    return new NextStart(child, `http://127.0.0.1:${port}`);
  }

  fetch(path: string): Promise<Response> {
    return fetch(this.#origin + path, { redirect: 'manual' });
  }

  async stop(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill();
    await closed;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
