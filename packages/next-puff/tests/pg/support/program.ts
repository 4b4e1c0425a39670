import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program in which `pg` is next-puff/pg, and resolves with what it prints. */
export async function runWithPatchedPg(name: string, ...args: string[]): Promise<string> {
  const program = fileURLToPath(new URL(`programs/${name}`, import.meta.url));
  const { stdout } = await run(
    process.execPath,
    ['--import', 'next-puff/pg/register', program, ...args],
    {
      timeout: 20_000,
    },
  );
  return stdout;
}
