import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

/** Prints a line for people, apart from what a command prints on standard output. */
export function say(line: string): void {
  process.stderr.write(`next-puff: ${line}\n`);
}

/**
 * Prints an error readably: message and code of an error that explains itself, the stack of any other.
 */
export function reportError(error: unknown, what?: string): void {
  const prefix = what === undefined ? '' : `${what}: `;
  const code = (error as { code?: unknown } | undefined)?.code;
  if (!(error instanceof Error)) {
    say(`${prefix}${inspect(error)}`);
  } else if (typeof code === 'string' && code.startsWith('PUFF_')) {
    say(`${prefix}${error.message} [${code}]`);
    for (const frame of userFrames(error)) process.stderr.write(`${frame}\n`);
  } else {
    say(`${prefix}${inspect(error)}`);
  }
}

/** The lines of the stack that point at the user's own code. */
function userFrames(error: Error): string[] {
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  // Not a URL of this module's, which bundlers would take for one of their files.
  const ours = dirname(dirname(fileURLToPath(import.meta.url)));
  return frames.filter(
    (line) => !/node:internal|node_modules|node:/.test(line) && !line.includes(ours),
  );
}
