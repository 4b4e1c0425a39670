import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const NEXT_PUFF = resolve(import.meta.dirname, '../../bin/next-puff.js');
const EXAMPLE = resolve(import.meta.dirname, '../../../../examples/next-app');
// Below this folder, so that the copies find the packages of the workspace.
const COPIES = join(import.meta.dirname, '.puff');
const LEFT_OUT = new Set(['.next', '.puff', '.turbo', 'generated', 'node_modules']);

type Variables = Record<string, string | undefined>;

/** What a GraphQL response has. */
export interface GraphQLResponse<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string };
  }[];
  readonly extensions?: {
    readonly explain?: { readonly layers: readonly { kind: string; field: string }[] };
  };
}

/** A copy of the polls app, examples/next-app. */
export class PollsApp {
  readonly #dir: string;
  readonly #env: Variables;
  readonly #servers: ChildProcess[] = [];
  readonly #copies: string[] = [];
  #origin = '';

  constructor(databaseUrl: string) {
    mkdirSync(COPIES, { recursive: true });
    this.#dir = mkdtempSync(join(COPIES, 'polls-'));
    cpSync(EXAMPLE, this.#dir, {
      recursive: true,
      filter: (source) => !LEFT_OUT.has(basename(source)),
    });
    const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, NODE_OPTIONS: ___, ...inherited } = process.env;
    this.#env = {
      ...inherited,
      NEXT_TELEMETRY_DISABLED: '1',
      CHECKPOINT_DISABLE: '1',
      DATABASE_URL: databaseUrl,
    };
  }

  get origin(): string {
    return this.#origin;
  }

  /** Runs a command of next-puff in the app and answers what it printed. */
  async run(args: readonly string[], env: Variables = {}): Promise<string> {
    const child = this.#spawn(args, env);
    const output = collect(child);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`next-puff ${args.join(' ')} failed:\n${output()}`);
    return output();
  }

  /** Does what the app's own script `generate` does. */
  async generate(): Promise<void> {
    await this.run(['prisma', 'generate', '--no-hints']);
    await this.run(['generate', 'graphql/schema.ts', '-o', 'generated/schema-types.d.ts']);
  }

  /** Starts the server that `origin` is of. */
  async start(command: 'start' | 'dev'): Promise<void> {
    this.#origin = await this.startInstance(command);
  }

  /** Another folder with the built app, which shares no file with this one. */
  copy(): string {
    const dir = mkdtempSync(join(COPIES, 'polls-'));
    const cache = join(this.#dir, '.next', 'cache');
    cpSync(this.#dir, dir, { recursive: true, filter: (source) => source !== cache });
    this.#copies.push(dir);
    return dir;
  }

  /** Starts a server on a port of its own and answers its origin. */
  async startInstance(
    command: 'start' | 'dev',
    env: Variables = {},
    dir = this.#dir,
  ): Promise<string> {
    const child = this.#spawn([command, '-p', '0'], env, dir);
    this.#servers.push(child);
    const output = collect(child);
    for (let left = 600; left > 0 && child.exitCode === null; left--) {
      const [, port] = /http:\/\/localhost:(\d+)/.exec(output()) ?? [];
      if (port !== undefined && /Ready in/.test(output())) {
        return `http://127.0.0.1:${port}`;
      }
      await sleep(100);
    }
    throw new Error(`next-puff ${command} did not come up:\n${output()}`);
  }

  /** Sends an operation to the app's API. */
  async ask<Data>(
    query: string,
    variables: Readonly<Record<string, unknown>> = {},
    { headers = {}, explain = false } = {},
  ): Promise<GraphQLResponse<Data> & { readonly setCookie: string | null }> {
    const response = await fetch(`${this.#origin}/api/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables, ...(explain && { extensions: { explain } }) }),
    });
    const answer = (await response.json()) as GraphQLResponse<Data>;
    return { ...answer, setCookie: response.headers.get('set-cookie') };
  }

  /** Stops its servers; the app stays. */
  async stop(): Promise<void> {
    for (const server of this.#servers.splice(0)) {
      if (server.exitCode !== null) continue;
      const closed = once(server, 'close');
      // `next dev` is several processes.
      process.kill(-(server.pid as number), 'SIGKILL');
      await closed;
    }
  }

  async remove(): Promise<void> {
    await this.stop();
    for (const dir of [this.#dir, ...this.#copies]) {
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  #spawn(args: readonly string[], env: Variables = {}, dir = this.#dir): ChildProcess {
    return spawn(process.execPath, [NEXT_PUFF, ...args], {
      cwd: dir,
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
