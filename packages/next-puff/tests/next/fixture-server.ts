import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';

export const FIXTURE_DIR = join(import.meta.dirname, 'fixture-app');
const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');

/** One way to build the fixture app; each has its own output folder. */
export type Variant = 'turbopack' | 'webpack' | 'plain';

/**
 * Puts next-puff into the app's own `node_modules`, as an installation does, or takes it out, so that
 * the app finds the workspace's link. Bundlers treat the two differently.
 */
export function installNextPuff(how: 'copied' | 'linked'): void {
  const target = join(FIXTURE_DIR, 'node_modules', 'next-puff');
  const source = join(import.meta.dirname, '..', '..');
  rmSync(join(FIXTURE_DIR, 'node_modules'), { recursive: true, force: true });
  if (how === 'linked') return;
  for (const part of ['package.json', 'dist']) {
    cpSync(join(source, part), join(target, part), { recursive: true });
  }
}

function environment(variant: Variant): NodeJS.ProcessEnv {
  const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, ...inherited } = process.env;
  return {
    ...inherited,
    NEXT_TELEMETRY_DISABLED: '1',
    FIXTURE_DIST_DIR: `.next/${variant}`,
    FIXTURE_PLAIN: variant === 'plain' ? '1' : '',
    // Action ids are salted with it.
    NEXT_SERVER_ACTIONS_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  } as Record<string, string> as NodeJS.ProcessEnv;
}

/** Runs `next build` and answers what it printed. */
export async function buildFixture(variant: Variant): Promise<string> {
  const args = ['build', ...(variant === 'webpack' ? ['--webpack'] : [])];
  const child = spawn(process.execPath, [NEXT, ...args], {
    cwd: FIXTURE_DIR,
    env: environment(variant),
  });
  const output = collect(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`next ${args.join(' ')} failed:\n${output()}`);
  return output();
}

/** The server actions of a build: id by name. */
export function actionIds(variant: Variant): Record<string, string> {
  const path = join(FIXTURE_DIR, '.next', variant, 'server', 'server-reference-manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as {
    node: Record<string, { exportedName: string }>;
  };
  const ids = Object.entries(manifest.node).map(([id, entry]) => [entry.exportedName, id] as const);
  return Object.fromEntries(ids.sort());
}

/** A running Next.js server. */
export class FixtureServer {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly output: () => string;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
    this.output = collect(child);
  }

  static async start(command: 'start' | 'dev', variant: Variant): Promise<FixtureServer> {
    const port = await freePort();
    const flags = command === 'dev' && variant === 'webpack' ? ['--webpack'] : [];
    const child = spawn(
      process.execPath,
      [NEXT, command, ...flags, '--port', String(port), '--hostname', '127.0.0.1'],
      { cwd: FIXTURE_DIR, env: environment(variant), detached: true },
    );
    const server = new FixtureServer(child, port);
    const isReady = () =>
      server.fetch('/api/recorded').then(
        ({ ok }) => ok,
        () => false,
      );
    try {
      await eventually(() => child.exitCode !== null || isReady(), 'the server to answer');
      if (child.exitCode !== null) throw new Error(`next ${command} ended.`);
    } catch (error) {
      await server.stop();
      throw new Error(`${(error as Error).message}\n${server.output()}`);
    }
    return server;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#port}${path}`, { redirect: 'manual', ...init });
  }

  async json(path: string, init?: RequestInit): Promise<unknown> {
    return (await this.fetch(path, init)).json();
  }

  /** Calls a server action as the browser's runtime does, and answers the raw response. */
  callAction(id: string, ...args: unknown[]): Promise<Response> {
    return this.fetch('/', actionRequest(id, args));
  }

  /** What a server action returned; Next.js sends it as row 1 of its answer. */
  async actionResult(id: string, ...args: unknown[]): Promise<unknown> {
    const text = await (await this.callAction(id, ...args)).text();
    const row = text.split('\n').find((line) => /^1:["[]/.test(line));
    if (!row) throw new Error(`No result in ${text}`);
    return JSON.parse(row.slice(2));
  }

  /** Submits a form of the page without JavaScript. */
  async submitForm(formId: string, fields: Record<string, string>): Promise<Response> {
    const html = await (await this.fetch('/')).text();
    const form = new RegExp(`<form[^>]*id="${formId}".*?</form>`, 's').exec(html)?.[0] ?? '';
    const body = new FormData();
    for (const [input] of form.matchAll(/<input[^>]*>/g)) {
      const value = /value="([^"]*)"/.exec(input)?.[1] ?? '';
      body.append(/name="([^"]*)"/.exec(input)?.[1] ?? '', unescapeHtml(value));
    }
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return this.fetch('/', { method: 'POST', body });
  }

  recorded(): Promise<string[]> {
    return this.json('/api/recorded') as Promise<string[]>;
  }

  /** Waits until the app has recorded an event. */
  async waitForEvent(event: string): Promise<void> {
    await eventually(async () => (await this.recorded()).includes(event), event);
  }

  /** Sends a request and drops the connection once the app has recorded an event. */
  async disconnectAfter(event: string, path: string, init: RequestInit): Promise<void> {
    const request = http.request({
      host: '127.0.0.1',
      port: this.#port,
      path,
      method: init.method,
      headers: init.headers as Record<string, string>,
    });
    request.on('error', () => {});
    request.on('response', (response) => response.on('error', () => {}).resume());
    request.end(init.body);
    await this.waitForEvent(event);
    request.destroy();
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    // `next dev` is two processes, and a handler that never ends keeps `next start` waiting.
    process.kill(-(this.#child.pid as number), 'SIGKILL');
    await closed;
  }
}

/** The request that calls a server action of the page `/`. */
export function actionRequest(id: string, args: unknown[]): RequestInit {
  return {
    method: 'POST',
    headers: { 'Next-Action': id, Accept: 'text/x-component', 'Content-Type': 'text/plain' },
    body: JSON.stringify(args),
  };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}

async function eventually(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    if (await check()) return;
    if (Date.now() > end) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
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

function unescapeHtml(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&amp;', '&');
}
