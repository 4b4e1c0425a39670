import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { PuffError } from '../errors.js';
import { type Account, commandAs, giveTo } from './account.js';
import { identifyProcess, isRunning, type ProcessIdentity, waitUntil } from './processes.js';

/**
 * The watchdog: a shell script of its own session that owns the server and ends with its last user.
 *
 * Every user process holds the FIFO `users` open for writing, so the kernel counts the users, also
 * those that die by SIGKILL. The reader sees end-of-file when the last one is gone. A process that
 * joins writes its id and waits for the file `user.<id>`: only a reader that has not yet seen
 * end-of-file can make it, and while the joiner holds the FIFO open it cannot see it any more, so
 * nobody joins a server that is about to stop.
 *
 * A server that ends without being told to (kill -9, out of memory) is started again, unless it never
 * got ready (`ready` is made by the process that started it) or `hold` asks to leave it down. SIGINT
 * (fast shutdown) is sent again and again because a server that is just being forked ignores it.
 *
 * $1 run directory, $2 data directory, $3 directory to remove at the end or "", then the command.
 */
const SCRIPT = `
run=$1; data=$2; remove=$3; shift 3
stopping= restarts=0
trap stopping=1 TERM
trap '' INT HUP
clean() { rm -rf "$run"; [ -z "$remove" ] || rm -rf "$remove"; }
exec 3<&0 </dev/null
(
  trap - TERM
  while read -r user; do : >"$run/user.$user"; done
  rm -f "$run/users"
  if ! kill -TERM $$ 2>/dev/null; then
    read -r orphan <"$data/postmaster.pid" && kill -INT "$orphan"
    clean
  fi
) <&3 &
exec 3<&-
while [ -z "$stopping" ]; do
  "$@" &
  server=$!
  while kill -0 "$server" 2>/dev/null; do
    if [ -z "$stopping" ]; then wait "$server"
    else kill -INT "$server"; sleep 0.05; fi
  done
  [ -e "$run/ready" ] && [ $restarts -lt 50 ] || break
  restarts=$((restarts + 1))
  while [ -z "$stopping" ] && [ -e "$run/hold" ]; do sleep 0.05; done
  [ -n "$stopping" ] || sleep 0.2
done
clean
`;

/** A running watchdog as it is remembered for other processes. */
export interface Watchdog extends ProcessIdentity {
  /** Its private directory: the FIFO, one file per user, the switches `ready` and `hold`. */
  run: string;
}

/** A user's share in the server; giving it up lets the watchdog stop the server when it was the last. */
export interface Membership {
  watchdog: Watchdog;
  /**
   * Gives the share up. Resolves when the server has stopped if no other user process is alive, and at
   * once otherwise.
   */
  leave(): Promise<void>;
}

/** What a watchdog is started with. */
export interface WatchdogStart {
  account: Account;
  /** Where its run directory is made. */
  parent: string;
  dataDirectory: string;
  /** The server's command line. */
  command: string[];
  environment: NodeJS.ProcessEnv;
  /** File descriptor that takes the output of the server. */
  log: number;
  /** Directory to delete when the server has stopped for good. */
  remove?: string;
}

/**
 * Starts a watchdog with its server and joins as the first user; `undefined` when both have ended
 * already, because the server refused to start.
 *
 * This process is a user before the watchdog exists, so the server ends even if this process dies in
 * the middle of the start.
 */
export async function startWatchdog(start: WatchdogStart): Promise<Membership | undefined> {
  const run = join(start.parent, randomBytes(6).toString('hex'));
  mkdirSync(run, { mode: 0o700 });
  const fifo = join(run, 'users');
  execFileSync('mkfifo', ['-m', '600', fifo]);
  giveTo(start.account, run);

  // Opening one end of a FIFO blocks until the other end is open; opening both at once never does.
  const both = openSync(fifo, constants.O_RDWR);
  const reader = openSync(fifo, constants.O_RDONLY);
  const writer = openSync(fifo, constants.O_WRONLY);
  closeSync(both);

  const [file, args, ids] = commandAs(start.account, [
    '/bin/sh',
    '-c',
    SCRIPT,
    'next-puff-watchdog',
    run,
    start.dataDirectory,
    start.remove ?? '',
    ...start.command,
  ]);
  const child = spawn(file, args, {
    ...ids,
    cwd: start.parent,
    detached: true,
    env: start.environment,
    stdio: [reader, start.log, start.log],
  });
  closeSync(reader);
  child.unref();
  try {
    await once(child, 'spawn');
  } catch (cause) {
    closeSync(writer);
    throw new PuffError(
      'PUFF_EMBEDDED_START_FAILED',
      `The watchdog of the embedded PostgreSQL could not be started with ${file}.`,
      { cause, operation: 'start' },
    );
  }
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  const membership = identity && (await enter({ ...identity, run }, writer));
  if (membership === undefined) closeSync(writer);
  return membership;
}

/** Joins the users of a running watchdog; `undefined` when it has ended or is about to. */
export async function joinWatchdog(watchdog: Watchdog): Promise<Membership | undefined> {
  let writer: number;
  try {
    writer = openSync(join(watchdog.run, 'users'), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENXIO') return undefined; // gone; no reader
    throw error;
  }
  const membership = await enter(watchdog, writer);
  if (membership === undefined) closeSync(writer);
  return membership;
}

/** Returns how many living processes hold a share in the server. */
export function countUsers(watchdog: Watchdog): number {
  return new Set(userPids(watchdog.run).filter((pid) => identifyProcess(pid) !== undefined)).size;
}

// The reader answers in well under a millisecond; this is for a machine that is swapping.
const ANSWER_TIMEOUT_MS = 5_000;

async function enter(watchdog: Watchdog, writer: number): Promise<Membership | undefined> {
  const user = `${process.pid}-${randomBytes(4).toString('hex')}`;
  const userFile = join(watchdog.run, `user.${user}`);
  try {
    writeSync(writer, `${user}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return undefined;
    throw error;
  }
  await waitUntil(
    () => existsSync(userFile) || !existsSync(join(watchdog.run, 'users')),
    ANSWER_TIMEOUT_MS,
  );
  if (!existsSync(userFile)) return undefined;

  let left: Promise<void> | undefined;
  const leave = async () => {
    rmSync(userFile, { force: true });
    closeSync(writer);
    await waitUntil(() => countUsers(watchdog) > 0 || !isRunning(watchdog), STOP_TIMEOUT_MS);
  };
  return {
    watchdog,
    leave() {
      left ??= leave();
      return left;
    },
  };
}

// A fast shutdown writes a checkpoint; the watchdog waits for it even when we no longer do.
const STOP_TIMEOUT_MS = 30_000;

function userPids(run: string): number[] {
  try {
    return readdirSync(run)
      .filter((name) => name.startsWith('user.'))
      .map((name) => Number.parseInt(name.slice('user.'.length), 10));
  } catch {
    return []; // the watchdog has ended and taken its directory away
  }
}
