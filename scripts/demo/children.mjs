import { spawn } from 'node:child_process';
import { basename, isAbsolute } from 'node:path';

/** How long a child gets to end by itself before it is killed: one with children of its own, and a tool. */
const GRACE_MS = 20_000;
const TOOL_GRACE_MS = 5_000;

/** How much of a child's output is kept, in characters. */
const KEPT = 400_000;

/** A child that ended in failure, with what it had printed. */
export class ChildFailure extends Error {
  constructor(message, output) {
    super(message);
    this.output = output;
  }
}

/** The processes of this run. Each leads its own group, so that Ctrl-C reaches them through us alone, and in order. */
export class Children {
  #running = new Set();
  #isVerbose;
  isStopping = false;

  constructor({ isVerbose }) {
    this.#isVerbose = isVerbose;
  }

  /** Runs a program to its end and answers what it wrote to its standard output. @throws {ChildFailure} */
  async run(file, args, options) {
    const child = this.start(file, args, { ...options, stopsGroup: true });
    const { code, output, stdout } = await child.ended;
    // A tool may well end in success when it was told to stop.
    if (this.isStopping) throw new Error('Stopped.');
    if (code !== 0) throw new ChildFailure(`\`${name(file, args)}\` failed (${code}).`, output);
    return stdout;
  }

  /**
   * Starts a program. `ended` resolves with its exit code (or signal), all output and standard output, and rejects only when it cannot be started.
   * With `stopsGroup` its own children are signalled along with it; without, it looks after them itself.
   */
  start(file, args, { cwd, env, stopsGroup = false }) {
    if (this.isStopping) throw new Error('Stopped.');
    const child = spawn(file, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const entry = { child, stopsGroup, output: '', stdout: '', ended: undefined };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        entry.output = (entry.output + text).slice(-KEPT);
        if (stream === child.stdout) entry.stdout = (entry.stdout + text).slice(-KEPT);
        if (this.#isVerbose) process.stderr.write(text);
      });
    }
    this.#running.add(entry);
    entry.ended = new Promise((resolve, reject) => {
      child.on('error', (error) => {
        this.#running.delete(entry);
        reject(new Error(`Cannot start \`${name(file, args)}\`: ${error.message}`));
      });
      child.on('close', (code, signal) => {
        this.#running.delete(entry);
        resolve({ code: code ?? signal, output: entry.output, stdout: entry.stdout });
      });
    });
    return {
      ended: entry.ended,
      stop: () => stop(entry),
      get output() {
        return entry.output;
      },
    };
  }

  /** Ends what still runs. */
  async stopAll() {
    this.isStopping = true;
    await Promise.all([...this.#running].map(stop));
  }
}

async function stop(entry) {
  signal(entry, 'SIGTERM', entry.stopsGroup);
  const patience = setTimeout(
    () => signal(entry, 'SIGKILL', true),
    entry.stopsGroup ? TOOL_GRACE_MS : GRACE_MS,
  );
  await entry.ended.catch(() => {});
  clearTimeout(patience);
}

function signal({ child }, name, toGroup) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(toGroup ? -child.pid : child.pid, name);
  } catch (error) {
    // It ended in this moment.
    if (error.code !== 'ESRCH') throw error;
  }
}

function name(file, args) {
  return [basename(file), ...args.map((arg) => (isAbsolute(arg) ? basename(arg) : arg))].join(' ');
}
