import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join, resolve } from 'node:path';

const PACKAGE = resolve(import.meta.dirname, '../../..');

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly tookMs: number;
}

/** `server.mjs` in a process of its own. */
export class HostileServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(process: ChildProcess, port: number, log: () => string) {
    this.#process = process;
    this.port = port;
    this.log = log;
  }

  /** What it wrote to its standard error. */
  readonly log: () => string;

  static async start(
    databaseUrl: string,
    env: Record<string, string> = {},
  ): Promise<HostileServer> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'server.mjs')], {
      cwd: PACKAGE,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        NODE_ENV: 'production',
        NEXT_PUFF_CONFIG: '',
        DATABASE_URL: databaseUrl,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    child.stderr.on('data', (chunk) => {
      log = (log + chunk).slice(-20_000);
    });
    const [first] = await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error(`the server did not start: ${log}`))),
    ]);
    return new HostileServer(child, Number(first), () => log);
  }

  /** Whether it still runs. */
  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Sends a body; rejects when there is no answer within the time. */
  send(
    body: string | Uint8Array,
    options: { timeoutMs?: number; headers?: object } = {},
  ): Promise<Answer> {
    const { timeoutMs = 20_000, headers = {} } = options;
    const bytes = Buffer.from(body);
    const startedAt = performance.now();
    return new Promise((resolveAnswer, reject) => {
      const outgoing = request(
        {
          port: this.port,
          path: '/graphql',
          method: 'POST',
          agent: this.#agent,
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            'content-type': 'application/json',
            accept: 'application/graphql-response+json',
            'content-length': bytes.length,
            ...headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            resolveAnswer({
              status: incoming.statusCode ?? 0,
              text: Buffer.concat(chunks).toString(),
              tookMs: performance.now() - startedAt,
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(bytes);
    });
  }

  /** Resident memory in bytes, after garbage collection. */
  async residentMemory(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.port}/memory`);
    return ((await response.json()) as { rss: number }).rss;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    if (!this.isAlive) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }
}
