import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppProcess } from '../support/app-process.ts';
import { BuiltApp } from '../support/built-app.ts';
import { RawConnection, type RawResponse } from '../support/raw-http.ts';

/** What the server of these tests takes, so that tests need not wait for the usual bounds. */
export const BOUNDS = {
  headerBytes: 16_384,
  urlBytes: 8_192,
  bodyBytes: 1_000_000,
  /** Long enough for a busy machine that means well, short enough for tests to wait for. */
  patienceMs: 1_500,
};

const CONFIG = `import { defineConfig } from 'next-puff/config';

export default defineConfig({
  requests: { deadlineMs: 0 },
  server: {
    metrics: { path: '/metrics' },
    limits: { urlBytes: ${BOUNDS.urlBytes}, bodyBytes: ${BOUNDS.bodyBytes} },
    timeouts: {
      headersMs: ${BOUNDS.patienceMs},
      bodyProgressMs: ${BOUNDS.patienceMs},
      writeProgressMs: ${BOUNDS.patienceMs},
      keepAliveMs: 60_000,
      answerMs: ${4 * BOUNDS.patienceMs},
    },
  },
});
`;

/** What a server is busy with. */
interface Numbers {
  readonly requests: number;
  readonly connections: number;
}

/** `next-puff start`, with its numbers. */
export class HostileServer {
  readonly #app: AppProcess;
  #idle: Numbers = { requests: 0, connections: 0 };

  private constructor(app: AppProcess) {
    this.#app = app;
  }

  static async start(): Promise<HostileServer> {
    const dir = (await BuiltApp.of('every-route')).copy();
    writeFileSync(join(dir, 'puff.config.ts'), CONFIG);
    const server = new HostileServer(await AppProcess.start('next-puff', dir));
    await server.expectAnswers();
    server.#idle = await server.#numbers();
    return server;
  }

  get port(): number {
    return this.#app.port;
  }

  connect(): Promise<RawConnection> {
    return RawConnection.open(this.#app.port);
  }

  /** A well-formed request over a connection of its own. */
  async get(path: string): Promise<RawResponse> {
    const connection = await this.connect();
    try {
      await connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      return await connection.receive();
    } finally {
      connection.close();
    }
  }

  /** Fails unless the server answers others as ever: from a file, and from JavaScript. */
  async expectAnswers(): Promise<void> {
    for (const path of ['/files/hello.txt', '/api/json', '/ssr']) {
      const { status } = await this.get(path);
      if (status !== 200) throw new Error(`${path} answered ${status}:\n${this.#app.output}`);
    }
  }

  /** Waits until no request and no connection of former clients is left. */
  async expectIdle(): Promise<void> {
    const isIdle = async () => {
      const { requests, connections } = await this.#numbers();
      return requests <= this.#idle.requests && connections <= this.#idle.connections;
    };
    await eventually(isIdle, 'all requests and connections end');
  }

  /**
   * Does something that begins handlers of `/api/misbehaving`, which never end, waits until they have begun, has their
   * clients leave, and waits until they have learned it.
   */
  async expectLeft(count: number, begin: () => Promise<() => void>): Promise<void> {
    const before = await this.#handlers();
    const leave = await begin();
    const has = async (what: 'begun' | 'left') =>
      (await this.#handlers())[what] - before[what] === count;
    await eventually(() => has('begun'), `${count} handlers begin`);
    leave();
    await eventually(() => has('left'), `${count} handlers are left`);
  }

  /** Waits until so many requests are being answered. */
  async expectInFlight(count: number): Promise<void> {
    const there = async () => (await this.#numbers()).requests - this.#idle.requests >= count;
    await eventually(there, `${count} requests are being answered`);
  }

  get output(): string {
    return this.#app.output;
  }

  get isRunning(): boolean {
    return this.#app.isRunning;
  }

  /** Memory in use, in megabytes. */
  memory(): number {
    return this.#app.memory();
  }

  async stop(): Promise<void> {
    await this.#app.kill();
  }

  async #handlers(): Promise<{ begun: number; left: number }> {
    return JSON.parse((await this.get('/api/misbehaving')).body.toString());
  }

  async #numbers(): Promise<Numbers> {
    const text = (await this.get('/metrics')).body.toString();
    const number = (name: string) => {
      const [, value] = new RegExp(`^${name} (\\d+)`, 'm').exec(text) ?? [];
      if (value === undefined) throw new Error(`/metrics has no ${name}:\n${text}`);
      return Number(value);
    };
    return {
      requests: number('puff_http_requests_in_flight'),
      connections: number('puff_http_connections'),
    };
  }
}

async function eventually(check: () => Promise<boolean>, what: string): Promise<void> {
  for (let left = 400; left > 0; left--) {
    if (await check()) return;
    await sleep(25);
  }
  throw new Error(`It did not happen in time: ${what}`);
}
