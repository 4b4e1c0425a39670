import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** The built package, as users have it. */
export const DIST = resolve(import.meta.dirname, '../../../dist');

/** What a user process reports when it has joined the server. */
export interface Joined {
  url: string;
  adopted: boolean;
  pid: number;
  port: number;
  dataDirectory: string;
}

/** A separate process that uses the embedded server of a project. */
export class UserProcess {
  readonly child: ChildProcessWithoutNullStreams;
  stderr = '';
  readonly #lines: AsyncIterator<string>;

  constructor(directory: string, options: SpawnOptions = {}) {
    const { dist = DIST, port = '', env, ids } = options;
    const script = join(import.meta.dirname, 'user-process.mjs');
    this.child = spawn(
      process.execPath,
      [options.script ?? script, directory, dist, String(port)],
      {
        ...ids,
        cwd: '/',
        env: { ...process.env, NODE_ENV: 'test', NODE_OPTIONS: '', ...env },
      },
    );
    this.child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    processes.add(this);
  }

  /** The report of a process that is expected to have joined. */
  async joined(): Promise<Joined> {
    const report = (await this.#report()) as Joined & { message?: string };
    if (report.message) throw new Error(report.message);
    return report;
  }

  /** The report of a process that is expected to have failed. */
  async failed(): Promise<{ code: string; message: string }> {
    return (await this.#report()) as { code: string; message: string };
  }

  /** Asks the process to give its share up and waits until it says so; it stays alive. */
  async stop(): Promise<void> {
    this.child.stdin.write('stop\n');
    await this.#report();
  }

  /** Ends the process and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    processes.delete(this);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }

  async #report(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the process ended without a report: ${this.stderr}`);
    return JSON.parse(value);
  }
}

/** How to start a user process. */
export interface SpawnOptions {
  dist?: string;
  port?: number;
  env?: Record<string, string>;
  ids?: { uid: number; gid: number };
  script?: string;
}

const processes = new Set<UserProcess>();
const directories = new Set<string>();

/** Makes an empty project directory, by default under the directory for temporary files. */
export function makeProject(parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'next-puff-project-'));
  directories.add(directory);
  return directory;
}

/** Ends all user processes, waits for their servers and removes their directories. */
export async function cleanUp(): Promise<void> {
  await Promise.all([...processes].map((user) => user.kill()));
  for (const directory of directories) {
    await eventually(() => serversOf(directory).length === 0, `no process works in ${directory}`);
    rmSync(directory, { recursive: true, force: true });
  }
  directories.clear();
}

/** Process numbers of all programs whose command line names the directory, ours excepted. */
export function serversOf(directory: string): number[] {
  const listing = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  return listing
    .split('\n')
    .filter((line) => line.includes(directory) && !line.includes('user-process'))
    .map((line) => Number.parseInt(line, 10));
}

/** Waits until the condition holds; fails after five seconds, saying what did not come true. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 5 s: ${what}`);
    await sleep(20);
  }
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => {}); // a connection that breaks fails its query as well
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
