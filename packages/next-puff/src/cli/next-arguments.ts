import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.js';

/** What next-puff needs to know of a command line that is meant for Next.js. */
export interface NextArguments {
  /** The app: the positional argument, or the working directory. */
  directory: string;
  /** That argument as it was given. */
  directoryArgument: string | undefined;
  port: number | undefined;
  hostname: string | undefined;
}

const ADDRESS = /^([\w.-]+:|\[[\da-f:]+\]:)?\d+$/i;

/**
 * Looks at the arguments of `next dev`, `next build` or `next start`, which are passed on as they are.
 * Options that are unknown here are left to Next.js.
 */
export function readNextArguments(args: readonly string[]): NextArguments {
  const { values, positionals } = parseArgs({
    args: takeInspect(args).rest,
    strict: false,
    allowPositionals: true,
    options: {
      port: { type: 'string', short: 'p' },
      hostname: { type: 'string', short: 'H' },
      // Named only because a value follows them, which is not the directory then.
      keepAliveTimeout: { type: 'string' },
      workers: { type: 'string' },
      'worker-memory': { type: 'string' },
      'experimental-https-key': { type: 'string' },
      'experimental-https-cert': { type: 'string' },
      'experimental-https-ca': { type: 'string' },
      'experimental-upload-trace': { type: 'string' },
      'experimental-build-mode': { type: 'string' },
      'debug-build-paths': { type: 'string' },
    },
  });
  return {
    directory: readDirectory(positionals[0]),
    directoryArgument: positionals[0],
    port: values.port === undefined ? undefined : readPort(values.port, '--port'),
    hostname: typeof values.hostname === 'string' ? values.hostname : undefined,
  };
}

/** The directory of an app: the argument that names it, or the working directory. */
export function readDirectory(argument = '.'): string {
  const directory = resolve(argument);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new UsageError(
    `There is no directory ${directory}.`,
    'The first argument without a dash is the directory of the app; leave it out for the current one.',
  );
}

/** Takes `--inspect` out, whose value may be left out, which `parseArgs` does not know. */
export function takeInspect(args: readonly string[]): {
  inspect: string | true | undefined;
  rest: string[];
} {
  const rest = [...args];
  const at = rest.findIndex((arg) => arg === '--inspect' || arg.startsWith('--inspect='));
  if (at === -1) return { inspect: undefined, rest };
  const [option = ''] = rest.splice(at, 1);
  const next = rest[at];
  let address = option.includes('=') ? option.slice('--inspect='.length) : undefined;
  if (address === undefined && next !== undefined && ADDRESS.test(next)) {
    [address] = rest.splice(at, 1);
  }
  if (address !== undefined && !ADDRESS.test(address)) {
    throw new UsageError(`--inspect needs a port, or an address with one, not "${address}".`);
  }
  return { inspect: address ?? true, rest };
}

/** Reads a port number. */
export function readPort(value: string | boolean, name: string): number {
  const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError(
    `${name} needs a number from 0 to 65535${typeof value === 'string' ? `, not "${value}"` : ''}.`,
  );
}
