import { relative, sep } from 'node:path';
import type { SourceMap } from 'magic-string';
import { ModuleEdits } from './module-edits.js';
import { type ModuleSource, parseModule } from './module-source.js';
import { wrapRouteHandlers } from './route-handlers.js';
import { wrapServerActions } from './server-actions.js';
import { exportsOf, type Resolve } from './star-exports.js';
import {
  carriesTasks,
  importTasks,
  makesTasks,
  nameTasks,
  TASKS_MODULE,
  taskFolders,
} from './tasks.js';

/** What `withPuff` hands to the loader; plain data, since it goes to other processes. */
export interface TransformOptions {
  /** Absolute path of the project, where `app` or `src/app` is. */
  dir: string;
  /** Next.js's `pageExtensions`. */
  pageExtensions: string[];
  routes: boolean;
  actions: boolean;
  tasks: boolean;
  /** Changes with this code, because the bundlers' caches look at the options only. */
  version: string;
}

/** One module, and what the bundler can do about it. */
export interface TransformInput {
  code: string;
  /** Absolute path. */
  path: string;
  options: TransformOptions;
  resolve: Resolve;
  addDependency: (path: string) => void;
  /** What is in the folder matters, too. */
  addFolderDependency: (path: string) => void;
  warn: (message: string) => void;
}

/**
 * Makes the route handlers and server actions of a module run in request contexts, and names its tasks.
 *
 * @returns nothing when the module has none, or cannot be parsed: the bundler's own message about a
 * syntax error is the better one
 */
export async function transform(
  input: TransformInput,
): Promise<{ code: string; map: SourceMap } | undefined> {
  const { code, path, options } = input;
  const file = relative(options.dir, path).split(sep).join('/');
  const route = options.routes ? routeOf(file, options.pageExtensions) : undefined;
  const mayHaveActions = options.actions && code.includes('use server');
  const mayHaveTasks = options.tasks && code.includes(TASKS_MODULE);
  if (route === undefined && !mayHaveActions && !mayHaveTasks) return undefined;

  let module: ModuleSource;
  try {
    module = parseModule(code, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    input.warn(
      `${file} cannot be parsed, so its handlers run without a request context: ${reason}`,
    );
    return undefined;
  }
  const edits = new ModuleEdits(code);
  if (mayHaveActions) wrapServerActions(module, edits, file);
  if (route !== undefined) {
    await wrapRouteHandlers(module, edits, {
      route,
      starExports: (specifier) => exportsOf(path, specifier, input.resolve, input.addDependency),
      warn: (message) => input.warn(`${file}: ${message}`),
    });
  }
  if (mayHaveTasks && makesTasks(module)) nameTasks(module, edits, file);
  if (mayHaveTasks && carriesTasks(module)) {
    importTasks(edits, path, options.dir);
    for (const folder of taskFolders(options.dir)) input.addFolderDependency(folder);
  }
  return edits.isEmpty ? undefined : edits.finish(path);
}

/**
 * The path that a file answers as a route handler, or nothing when it is no route file.
 *
 * Route groups `(group)` are no part of it; dynamic segments stay in brackets.
 */
function routeOf(file: string, pageExtensions: string[]): string | undefined {
  const match = /^(?:src\/)?app\/(.*\/)?route\.(.+)$/.exec(file);
  if (!match || !pageExtensions.includes(match[2] as string)) return undefined;
  const segments = (match[1] ?? '').split('/').filter((part) => part && !/^\(.*\)$/.test(part));
  return `/${segments.join('/')}`;
}
