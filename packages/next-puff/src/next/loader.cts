import type { TransformOptions } from './transform/index.js' with { 'resolution-mode': 'import' };

/** The part of the loader interface that both bundlers have. */
interface LoaderContext {
  resourcePath: string;
  async(): (error: Error | null, code?: string, map?: unknown) => void;
  getOptions(): TransformOptions;
  getResolve(): (context: string, request: string) => Promise<string>;
  addDependency(path: string): void;
  addContextDependency(path: string): void;
  emitWarning(warning: Error): void;
}

/**
 * The loader for Turbopack and webpack: the entrance to `transform`, nothing more.
 *
 * It is CommonJS because that is what both run everywhere.
 */
export default function puffLoader(this: LoaderContext, code: string, map: unknown): void {
  const done = this.async();
  run(this, code).then(
    (result) => (result ? done(null, result.code, result.map) : done(null, code, map)),
    done,
  );
}

async function run(loader: LoaderContext, code: string) {
  const { transform } = await import('./transform/index.js');
  const { dirname } = await import('node:path');
  const resolve = loader.getResolve();
  return transform({
    code,
    path: loader.resourcePath,
    options: loader.getOptions(),
    resolve: (fromFile, specifier) => resolve(dirname(fromFile), specifier),
    addDependency: (path) => loader.addDependency(path),
    addFolderDependency: (path) => loader.addContextDependency(path),
    warn: (message) => {
      const warning = new Error(message);
      // Where in the loader it was made tells the reader nothing.
      warning.stack = message;
      loader.emitWarning(warning);
    },
  });
}
