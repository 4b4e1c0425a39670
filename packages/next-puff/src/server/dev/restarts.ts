import { createRequire } from 'node:module';
import { basename, dirname, join, sep } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { say } from '../../report.js';

/** What a development server watches over. */
export interface RestartOptions {
  /** The app's folder. */
  directory: string;
  /** Where Next.js compiles to, below the app's folder. */
  distDir: string;
  /** Whether it starts again when its memory is nearly full. */
  restartsWhenFull: boolean;
  /** Ends the process so that it is started again. */
  restart: () => void;
}

const ENDINGS = ['js', 'mjs', 'ts', 'mts'];
const CONFIG_FILES = ['next.config', 'puff.config'].flatMap((name) =>
  ENDINGS.map((ending) => `${name}.${ending}`),
);
/** Share of the heap's limit, as Next.js has it. */
const FULL = 0.8;
const MEMORY_INTERVAL_MS = 5_000;

/** The part of `watchpack` that is used here; it comes with Next.js. */
interface Watchpack {
  watch(what: { files: string[]; missing: string[] }): void;
  on(event: 'change' | 'remove', listener: (path: string) => void): void;
}

/**
 * Restarts a development server when its configuration changes, when the folder of its output is
 * deleted, and when its memory is nearly full: what `next dev` does, and for `puff.config.*` too.
 */
export function watchForRestarts(options: RestartOptions): void {
  const { directory, restart } = options;
  const require = createRequire(join(directory, 'package.json'));
  const watcher = new (require('next/dist/compiled/watchpack') as new () => Watchpack)();
  const configFiles = CONFIG_FILES.map((name) => join(directory, name));
  const folders = foldersOf(directory, options.distDir);
  watcher.watch({ files: configFiles, missing: folders });
  watcher.on('change', (path) => {
    if (!configFiles.includes(path)) return;
    say(`${basename(path)} has changed: starting again`);
    restart();
  });
  watcher.on('remove', (path) => {
    if (!folders.includes(path)) return;
    say(`${path} was deleted, and with it caches that the server uses: starting again`);
    restart();
  });
  if (options.restartsWhenFull) watchMemory(restart);
}

/** The app's folder, that of the output, and those between. */
function foldersOf(directory: string, distDir: string): string[] {
  const output = join(directory, distDir);
  const folders = [directory, output];
  for (let folder = dirname(output); folder.startsWith(directory + sep); folder = dirname(folder)) {
    folders.push(folder);
  }
  return folders;
}

function watchMemory(restart: () => void): void {
  const look = () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    if (used < FULL * limit) return;
    say('the memory is nearly full: starting again');
    restart();
  };
  setInterval(look, MEMORY_INTERVAL_MS).unref();
}
