import Module, { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Loader {
  _resolveFilename(request: string, ...rest: unknown[]): string;
}

const ENTRY = join(__dirname, 'index.js');

// Once per process, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.pg.redirect');
const globals = globalThis as { [KEY]?: boolean };

/**
 * Gives next-puff/pg to whoever asks Node.js for `pg` from now on, by `require` and by `import`.
 *
 * `pg/lib/...` stays node-postgres' own: pg-cursor takes pure functions from there.
 */
export function redirectPg(): void {
  if (globals[KEY]) return;
  globals[KEY] = true;
  const loader = Module as unknown as Loader;
  const { _resolveFilename: original } = loader;
  loader._resolveFilename = function resolve(request, ...rest) {
    return request === 'pg' ? ENTRY : original.call(this, request, ...rest);
  };
  register(pathToFileURL(join(__dirname, 'redirect-hooks.js')), {
    data: { entry: pathToFileURL(ENTRY).href },
  });
}
