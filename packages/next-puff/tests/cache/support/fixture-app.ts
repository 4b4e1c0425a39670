import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const FIXTURE = join(import.meta.dirname, '../fixture-app');
const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');
const ISOLATES = join(import.meta.dirname, 'isolates.mjs');

/** A built app; what runs it may write to its files, so every process gets a copy. */
export class FixtureApp {
  readonly #dir: string;
  readonly #copies: string[] = [];

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Builds it; answers what `next build` printed, too. */
  static async build(): Promise<{ app: FixtureApp; output: string }> {
    const dir = copyOf(FIXTURE);
    const child = spawn(process.execPath, [NEXT, 'build'], { cwd: dir, env: environment() });
    const output = collect(child);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`next build failed:\n${output()}`);
    return { app: new FixtureApp(dir), output: output() };
  }

  /** A copy of its folder. */
  copy(): string {
    const dir = copyOf(this.#dir);
    this.#copies.push(dir);
    return dir;
  }

  /** Serves it from so many isolates of one process. */
  async start(isolates: number, env: Record<string, string> = {}): Promise<FixtureProcess> {
    const dir = this.copy();
    const child = spawn(process.execPath, [ISOLATES, dir, String(isolates)], {
      cwd: dir,
      env: environment(env),
    });
    return FixtureProcess.of(child);
  }

  remove(): void {
    for (const dir of [this.#dir, ...this.#copies]) rmSync(dir, { recursive: true, force: true });
  }
}

/** A process that serves the app. */
export class FixtureProcess {
  readonly #child: ChildProcess;
  readonly #ports: number[];
  readonly output: () => string;

  private constructor(child: ChildProcess, ports: number[], output: () => string) {
    this.#child = child;
    this.#ports = ports;
    this.output = output;
  }

  static async of(child: ChildProcess): Promise<FixtureProcess> {
    const output = collect(child);
    for (;;) {
      const ports = /^\[[\d,]+\]$/m.exec(output())?.[0];
      if (ports) return new FixtureProcess(child, JSON.parse(ports) as number[], output);
      if (child.exitCode !== null) throw new Error(`The app did not start:\n${output()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async fetch(isolate: number, path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${this.#ports[isolate]}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status}\n${this.output()}`);
    return response;
  }

  /** The text of an answer, without React's payload after it. */
  async text(isolate: number, path: string): Promise<string> {
    const text = await (await this.fetch(isolate, path)).text();
    return /<p>(.*?)<\/p>/.exec(text)?.[1] ?? text;
  }

  async revalidate(isolate: number, what: string): Promise<void> {
    await this.fetch(isolate, `/api/revalidate?${what}`, { method: 'POST' });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }
}

function copyOf(source: string): string {
  // Below the tests, so that the copy finds the packages of the workspace.
  const copies = join(import.meta.dirname, '../.puff');
  mkdirSync(copies, { recursive: true });
  const dir = mkdtempSync(join(copies, 'app-'));
  cpSync(source, dir, { recursive: true, filter: (path) => !path.endsWith('next-env.d.ts') });
  return dir;
}

function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, NEXT_PUFF_CACHE: ___, ...inherited } = process.env;
  const variables = { ...inherited, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production', ...more };
  return variables as NodeJS.ProcessEnv;
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
