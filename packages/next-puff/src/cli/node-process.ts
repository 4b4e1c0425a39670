import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { PARENT_VARIABLE } from './exit-with-parent.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How a script is run. */
export interface NodeProcessOptions {
  env?: NodeJS.ProcessEnv;
  /** Its working directory; without it that of this process. */
  cwd?: string;
  /** Options of Node.js itself. */
  execArgv?: readonly string[];
  /** Takes what the script sends; without it the script cannot send. */
  onMessage?: (message: unknown) => void;
}

/** How a script ended. */
export interface NodeProcessEnd {
  /** Its exit code; 128 + n when signal n ended it. */
  code: number;
  /** Whether a signal was passed on to it. */
  wasSignalled: boolean;
}

/** Runs a script as {@link watchNode} does and returns its exit code. */
export async function runNode(
  script: string,
  args: readonly string[],
  options?: NodeProcessOptions,
): Promise<number> {
  return (await watchNode(script, args, options)).code;
}

/**
 * Runs a script as a child process with our input and output.
 *
 * Signals go on to the child; a second one kills it. When this process dies, the child ends too.
 */
export async function watchNode(
  script: string,
  args: readonly string[],
  { env = process.env, cwd, execArgv = [], onMessage }: NodeProcessOptions = {},
): Promise<NodeProcessEnd> {
  const preload = new URL('./exit-with-parent.js', import.meta.url).href;
  const child: ChildProcess = spawn(
    process.execPath,
    [...execArgv, '--import', preload, script, ...args],
    {
      ...(cwd !== undefined && { cwd }),
      // The fourth stream says nothing; that it ends tells the child that we are gone.
      stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...(onMessage ? (['ipc'] as const) : [])],
      env: { ...env, [PARENT_VARIABLE]: String(process.pid) },
    },
  );
  if (onMessage) child.on('message', onMessage);
  let wasSignalled = false;
  const forward = (signal: NodeJS.Signals) => {
    child.kill(wasSignalled ? 'SIGKILL' : signal);
    wasSignalled = true;
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    const ended = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    return { code: ended, wasSignalled };
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward);
  }
}
