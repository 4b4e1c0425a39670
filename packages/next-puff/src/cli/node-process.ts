import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { PARENT_VARIABLE } from './exit-with-parent.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a script as a child process with our input and output, and returns its exit code (128 + n when
 * signal n ended it).
 *
 * Signals go on to the child; a second one kills it. When this process dies, the child ends too.
 */
export async function runNode(
  script: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const preload = new URL('./exit-with-parent.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--import', preload, script, ...args], {
    // The fourth stream says nothing; that it ends tells the child that we are gone.
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...env, [PARENT_VARIABLE]: String(process.pid) },
  });
  let signalled = false;
  const forward = (signal: NodeJS.Signals) => {
    child.kill(signalled ? 'SIGKILL' : signal);
    signalled = true;
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward);
  }
}
