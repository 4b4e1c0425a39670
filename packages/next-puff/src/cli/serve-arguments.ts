import { parseArgs } from 'node:util';
import type { ServeArguments } from '../server/serve-options.js';
import { readDirectory, readPort, takeInspect } from './next-arguments.js';
import { UsageError } from './usage-error.js';

/** The command line of `next-puff start`. */
export interface StartArguments extends ServeArguments {
  /** Where a debugger may connect; true for Node.js' usual address. */
  inspect: string | true | undefined;
}

/** The command line of `next-puff dev`. */
export interface DevArguments extends StartArguments {
  bundler: 'turbopack' | 'webpack' | undefined;
  hasSourceMaps: boolean;
}

/** Whether Next.js' own server is asked for. */
export const NEXT_OPTION = '--next';

const SHARED = {
  port: { type: 'string', short: 'p' },
  hostname: { type: 'string', short: 'H' },
} as const;

/** Reads the command line of `next-puff start`. */
export function readStartArguments(args: readonly string[]): StartArguments {
  const { inspect, rest } = takeInspect(args);
  const { values, positionals } = strictly('start', () =>
    parseArgs({
      args: rest,
      allowPositionals: true,
      options: {
        ...SHARED,
        workers: { type: 'string' },
        'worker-memory': { type: 'string' },
        keepAliveTimeout: { type: 'string' },
      },
    }),
  );
  const { keepAliveTimeout, workers, 'worker-memory': memory } = values;
  return {
    ...sharedOf(values, positionals),
    inspect,
    workers:
      workers === undefined || workers === 'auto'
        ? workers
        : readNumber(workers, '--workers', 1, 256, ', or "auto"'),
    workerMemoryMb: memory === undefined ? undefined : readNumber(memory, '--worker-memory', 64),
    keepAliveMs:
      keepAliveTimeout === undefined
        ? undefined
        : readNumber(keepAliveTimeout, '--keepAliveTimeout', 0),
  };
}

/** Reads the command line of `next-puff dev`. */
export function readDevArguments(args: readonly string[]): DevArguments {
  const { inspect, rest } = takeInspect(args);
  const { values, positionals } = strictly('dev', () =>
    parseArgs({
      args: rest,
      allowPositionals: true,
      options: {
        ...SHARED,
        turbo: { type: 'boolean' },
        turbopack: { type: 'boolean' },
        webpack: { type: 'boolean' },
        'disable-source-maps': { type: 'boolean' },
      },
    }),
  );
  const isTurbopack = values.turbo === true || values.turbopack === true;
  if (isTurbopack && values.webpack) {
    throw new UsageError('--turbopack and --webpack exclude each other.', 'Give one of them.');
  }
  return {
    ...sharedOf(values, positionals),
    inspect,
    bundler: isTurbopack ? 'turbopack' : values.webpack ? 'webpack' : undefined,
    hasSourceMaps: !values['disable-source-maps'],
  };
}

function sharedOf(
  { port, hostname }: { port?: string | undefined; hostname?: string | undefined },
  positionals: string[],
): ServeArguments {
  if (positionals.length > 1) {
    throw new UsageError(
      `What is ${positionals[1]}?`,
      'One argument without a dash is the directory of the app.',
    );
  }
  const fromEnvironment = process.env.PORT ? readPort(process.env.PORT, 'PORT') : undefined;
  return {
    directory: readDirectory(positionals[0]),
    port: port === undefined ? fromEnvironment : readPort(port, '--port'),
    hostname,
  };
}

function readNumber(text: string, name: string, from: number, to?: number, otherwise = ''): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= from && number <= (to ?? Number.MAX_SAFE_INTEGER)) return number;
  const range = to === undefined ? `from ${from} on` : `from ${from} to ${to}`;
  throw new UsageError(`${name} needs a number ${range}${otherwise}, not "${text}".`);
}

/** Says where an unknown option may be known. */
function strictly<T>(command: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error;
    throw new UsageError(
      message.split('. ')[0] as string,
      `\`next-puff help ${command}\` lists the options. Those of \`next ${command}\` that are not among them need Next.js' own server: add ${NEXT_OPTION}.`,
    );
  }
}
