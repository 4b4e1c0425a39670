import Module, { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The packages that next-puff can stand for; each has an entry point and a folder of its name. */
export type PatchedPackage = 'pg' | 'ioredis';

interface Loader {
  _resolveFilename(request: string, ...rest: unknown[]): string;
}

// Once per process, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.patch.redirects');
const globals = globalThis as { [KEY]?: Map<string, string> };

/**
 * Gives `next-puff/<name>` to whoever asks Node.js for the package from now on, by `require` and by `import`.
 *
 * What is inside of the package stays its own: pg-cursor takes pure functions from `pg/lib/...`.
 */
export function redirectPackage(name: PatchedPackage): void {
  globals[KEY] ??= interceptRequire(new Map());
  if (globals[KEY].has(name)) return;
  const entry = join(__dirname, '..', name, 'index.js');
  globals[KEY].set(name, entry);
  register(pathToFileURL(join(__dirname, 'redirect-hooks.js')), {
    data: { name, entry: pathToFileURL(entry).href },
  });
}

function interceptRequire(entries: Map<string, string>): Map<string, string> {
  const loader = Module as unknown as Loader;
  const { _resolveFilename: original } = loader;
  loader._resolveFilename = function resolve(request, ...rest) {
    return entries.get(request) ?? original.call(this, request, ...rest);
  };
  return entries;
}
