import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PACKAGE = resolve(import.meta.dirname, '../../..');
const BIN = join(PACKAGE, 'bin/next-puff.js');
const NODE_MODULES = resolve(PACKAGE, '../../node_modules');

/** A small Next.js app that can really be served. */
export const FIXTURE_APP = resolve(import.meta.dirname, '../fixture-app');

/** What a command left behind. */
export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A running `next-puff`. */
export class Cli {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #exit: Promise<unknown[]>;

  constructor(args: string[], options: CliOptions = {}) {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NEXT_TELEMETRY_DISABLED: '1',
      NODE_OPTIONS: '',
      ...options.env,
    };
    // What Jest or the machine has set must not decide what is tested.
    for (const name of ['NODE_ENV', 'DATABASE_URL', 'PORT', 'NEXT_PUFF_CONFIG', 'FORCE_COLOR']) {
      if (options.env?.[name] === undefined) delete env[name];
    }
    this.process = spawn(process.execPath, [BIN, ...args], { cwd: options.cwd ?? tmpdir(), env });
    this.process.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.process.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#exit = once(this.process, 'close');
    running.add(this);
  }

  /** Waits for the end of the process. */
  async outcome(): Promise<Outcome> {
    const [code, signal] = (await this.#exit) as [number | null, NodeJS.Signals | null];
    running.delete(this);
    return { code, signal, stdout: this.stdout, stderr: this.stderr };
  }

  /** Waits until Next.js prints its address and answers there. */
  async address(): Promise<string> {
    let address: string | undefined;
    await eventually(() => {
      if (this.process.exitCode !== null) throw new Error(`ended: ${this.stdout}${this.stderr}`);
      address = /Local:\s+(http:\S+)/.exec(this.stdout)?.[1];
      return address !== undefined && /Ready in/.test(this.stdout);
    }, 'Next.js is ready');
    return address ?? '';
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

/** Where and with what environment a command runs. */
export interface CliOptions {
  cwd?: string;
  env?: Record<string, string>;
}

const running = new Set<Cli>();
const projects = new Set<string>();

/** Runs a command to its end. */
export function cli(args: string[], options?: CliOptions): Promise<Outcome> {
  return new Cli(args, options).outcome();
}

/** Makes a project of the given files, with the packages of this repository. */
export function makeProject(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'next-puff-cli-'));
  projects.add(directory);
  symlinkSync(NODE_MODULES, join(directory, 'node_modules'));
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** Ends what still runs and removes the projects. */
export async function cleanUp(): Promise<void> {
  for (const command of [...running]) {
    command.kill('SIGKILL');
    await command.outcome();
  }
  for (const directory of projects) {
    await eventually(() => processesOf(directory).length === 0, `nothing runs in ${directory}`);
    rmSync(directory, { recursive: true, force: true });
  }
  projects.clear();
}

/** The command lines of all processes that name a directory. */
export function processesOf(directory: string): string[] {
  return execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(directory));
}

/** Waits until the condition holds; fails after 40 seconds, saying what did not come true. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string) {
  const deadline = Date.now() + 40_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 40 s: ${what}`);
    await sleep(50);
  }
}
