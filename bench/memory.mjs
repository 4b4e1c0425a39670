// Measures the peak memory of contestants, each in a process of its own: what one leaves behind would
// count for the next.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('memory-of-one.mjs', import.meta.url));
const PROCESSES = 3;

let idle;

/**
 * Returns by contestant the peak resident memory in MB that answering a question takes on top of a
 * Node.js process that does nothing: the median of a few processes.
 *
 * @param {URL} module exports `contestants` (functions that make one) and `questions` (title to
 *   `[callers in flight, runs, ask]`)
 */
export async function peakMemory(module, question, names) {
  idle ??= await peakOf([]);
  const peaks = {};
  for (const name of names) peaks[name] = (await peakOf([module.href, name, question])) - idle;
  return peaks;
}

async function peakOf(options) {
  const peaks = [];
  for (let count = 0; count < PROCESSES; count++) {
    const { stdout } = await run(process.execPath, [PROGRAM, ...options]);
    peaks.push(Number(stdout.trim().split('\n').at(-1)));
  }
  return peaks.sort((a, b) => a - b)[PROCESSES >> 1] / 1024;
}
