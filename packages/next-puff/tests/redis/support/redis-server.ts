import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { anyFreePort } from '../../../dist/embedded/port.js';

const NAMES = ['redis-server', 'valkey-server'];
const START_LIMIT_MS = 30_000;
const KEPT_LOG = 20_000;

/** Ends the server and removes its files when the process that started it is gone, however that ended. */
const GUARD =
  'trap "" INT TERM HUP; cat > /dev/null; kill -9 "$1" 2> /dev/null; sleep 1; rm -rf "$2"';

/** What a server is started with. */
export interface RedisServerOptions {
  /** Lines of redis.conf by name, for example `{ requirepass: 'secret' }`; they replace ours. */
  settings?: Record<string, string | number>;
  /** Lines of sentinel.conf: the server is a sentinel then, and the settings are not for it. */
  sentinel?: readonly string[];
}

/** How a server is started again. */
export interface RestartOptions extends RedisServerOptions {
  /** Whether to wait until it takes commands; otherwise it may still be loading its data. Default true. */
  waitsUntilReady?: boolean;
}

/**
 * A Redis (or Valkey) server of a test's own: on a free port of 127.0.0.1, in a temporary directory, with nothing durable
 * about it unless the settings say so.
 */
export class RedisServer {
  readonly port: number;
  /** Where its files are; the same after a restart. */
  readonly directory: string;
  #settings: Record<string, string | number>;
  readonly #sentinel: readonly string[] | undefined;
  #child: ChildProcess | undefined;
  #guard: ChildProcess | undefined;
  #log = '';

  private constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.directory = mkdtempSync(join(tmpdir(), 'next-puff-redis-'));
    this.#settings = options.settings ?? {};
    this.#sentinel = options.sentinel;
  }

  /** Starts a server and resolves when it takes commands. @throws where there is none, or with its log when it ends */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(await anyFreePort('127.0.0.1'), options);
    try {
      await server.#launch(true);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** URL of database 0, with the password of `requirepass`. */
  get url(): string {
    const password = this.#settings.requirepass;
    const user = password === undefined ? '' : `:${encodeURIComponent(String(password))}@`;
    return `redis://${user}127.0.0.1:${this.port}`;
  }

  /** Process number of the server now; `undefined` while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The end of what the server has logged since it was started first. */
  get log(): string {
    return this.#log;
  }

  /** Kills the server with SIGKILL, as a crash would; it stays down until `restart`. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends the server if it runs and starts it on the same port, with new settings if any are given. */
  async restart(options: RestartOptions = {}): Promise<void> {
    await this.#end('SIGTERM');
    this.#settings = options.settings ?? this.#settings;
    await this.#launch(options.waitsUntilReady ?? true);
  }

  /** Stops the process (SIGSTOP): connections stay open, nothing is answered. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Lets a frozen process go on. */
  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends the server and removes its directory. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #launch(waitsUntilReady: boolean): Promise<void> {
    const child = spawn(findRedisServer(), this.#arguments(), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child, 'spawn');
    this.#child = child;
    this.#guard = spawn('sh', ['-c', GUARD, 'guard', `${child.pid}`, this.directory], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    const started = this.#log.length;
    const sign = this.#sentinel ? 'Sentinel ID is' : 'Ready to accept connections';
    const isReady = () => this.#log.includes(sign, started);
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => {
        reject(new Error(`The Redis server ${why}.\n${this.#log}`));
      };
      const limit = setTimeout(() => fail('did not get ready'), START_LIMIT_MS);
      // Not `exit`: the log may be behind.
      child.once('close', (code, signal) => {
        clearTimeout(limit);
        fail(`ended at its start (${code ?? signal})`);
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          this.#log += text;
          if (waitsUntilReady && !isReady()) return;
          clearTimeout(limit);
          resolve();
        });
      }
    });
    this.#log = this.#log.slice(-KEPT_LOG);
  }

  #arguments(): string[] {
    if (this.#sentinel) {
      const file = join(this.directory, 'sentinel.conf');
      const lines = [
        `port ${this.port}`,
        'bind 127.0.0.1',
        `dir ${this.directory}`,
        ...this.#sentinel,
      ];
      writeFileSync(file, lines.join('\n'));
      return [file, '--sentinel'];
    }
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.directory,
      save: '',
      appendonly: 'no',
      ...this.#settings,
    };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const [child, guard] = [this.#child, this.#guard];
    this.#child = undefined;
    this.#guard = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      // A frozen one takes no other signal before it goes on.
      child.kill('SIGCONT');
      await ended;
    }
    if (guard && guard.exitCode === null && guard.signalCode === null) {
      const ended = once(guard, 'exit');
      guard.kill('SIGKILL');
      await ended;
    }
  }
}

/** The server that `REDIS_SERVER_BIN` names, or the first one on the PATH. */
function findRedisServer(): string {
  const named = process.env.REDIS_SERVER_BIN;
  if (named !== undefined && named !== '') return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const path = found.find((candidate) => existsSync(candidate));
  if (path !== undefined) return path;
  throw new Error(
    'These tests need a Redis server. Install it (Debian and Ubuntu: sudo apt-get install redis-server), or name one in ' +
      'REDIS_SERVER_BIN; `npm test` installs it where it may.',
  );
}
