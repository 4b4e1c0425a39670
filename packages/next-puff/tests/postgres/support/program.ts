import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';

/** Where `next-puff/...` can be imported from. */
const PACKAGE = resolve(import.meta.dirname, '../../..');

/** How a program ended. */
export interface Ending {
  code: number | null;
  stdout: string;
  stderr: string;
  /** From the line `done` on its standard output, or from its start, to its end. */
  lingeredMs: number;
}

/**
 * Runs the source of an ES module in a Node process of its own; one that does not end by itself is
 * killed, which leaves its code `null`.
 */
export async function runProgram(
  source: string,
  options: { env?: Record<string, string>; flags?: string[]; timeoutMs?: number } = {},
): Promise<Ending> {
  const { env, flags = [], timeoutMs = 20_000 } = options;
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', source], {
    cwd: PACKAGE,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let doneAt = Date.now();
  child.stdout.on('data', (chunk) => {
    if (String(chunk).includes('done')) doneAt = Date.now();
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, 'exit')) as [number | null];
  const lingeredMs = Date.now() - doneAt;
  const [stdout, stderr] = await output;
  return { code, stdout, stderr, lingeredMs };
}
