import { createRequire } from 'node:module';

/** Our entry points that code which jiti evaluates may import, but for those that need `present`. */
const MODULES: Record<string, string> = {
  'next-puff/errors': '../errors.js',
  'next-puff/postgres': '../postgres/index.js',
  'next-puff/pg': '../pg/index.js',
  'next-puff/prisma': '../prisma/index.js',
  'next-puff/pubsub': '../pubsub/index.js',
  'next-puff/cache': '../cache/index.js',
  'next-puff/tasks': '../tasks/index.js',
};

/**
 * What code that jiti evaluates gets when it imports one of our modules: the module that the rest of the process has, loaded
 * when one of its names is used, and not jiti's own copy of it. For `next-puff` itself that is more than `require` would
 * give, which sees only what `next.config` needs.
 *
 * @param present names of `next-puff` and `next-puff/config` that need no loading
 */
export function ownModules(present: object): Record<string, object> {
  const modules: Record<string, object> = {
    'next-puff': ownModule('../index.js', present),
    'next-puff/config': ownModule('./index.cjs', present),
  };
  for (const [name, file] of Object.entries(MODULES)) modules[name] = ownModule(file, {});
  return modules;
}

function ownModule(file: string, present: object): object {
  return new Proxy(
    { ...present, __esModule: true, default: undefined },
    {
      // Asked before each use of a name.
      has: () => true,
      get(target, name) {
        if (name in target || typeof name === 'symbol') return Reflect.get(target, name);
        // A require of its own, so that bundlers do not follow it.
        return Reflect.get(createRequire(__filename)(file) as object, name);
      },
    },
  );
}
