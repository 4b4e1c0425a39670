import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { ownModules } from '../config/own-modules.cjs';
import { defineConfig } from '../config/puff-config.cjs';
import { settings } from '../config/settings.js';
import { PuffError } from '../errors.js';
import { isTask } from './puff-task.js';

/** Whether a module of this name can be loaded. */
const CODE_FILE = /\.[cm]?[jt]s$/;
const DECLARATIONS = /\.d\.[cm]?ts$/;

/**
 * Loads the modules of `tasks.files` and names their tasks after them, for processes without a build of Next.js. Tasks that
 * are loaded already stay.
 *
 * @throws PuffError `PUFF_TASK_FILES` for a module that cannot be loaded, and for a pattern that fits none
 */
export async function loadTaskFiles(directory: string = process.cwd()): Promise<void> {
  for (const pattern of settings().tasks.files ?? []) {
    const files = filesOf(directory, pattern);
    if (files.length === 0) {
      throw new PuffError('PUFF_TASK_FILES', `No file fits ${pattern} of \`tasks.files\`.`, {
        operation: 'load',
        hint: `It is looked for from ${directory}.`,
      });
    }
    for (const file of files) await loadFile(directory, file);
  }
}

async function loadFile(directory: string, file: string): Promise<void> {
  let loaded: object;
  try {
    // Loaded only now, because most servers need no compiler.
    const { createJiti } = createRequire(import.meta.url)('jiti') as typeof import('jiti');
    const jiti = createJiti(join(directory, 'package.json'), {
      fsCache: false,
      virtualModules: ownModules({ defineConfig }),
    });
    loaded = (await jiti.import(file)) as object;
  } catch (cause) {
    throw new PuffError(
      'PUFF_TASK_FILES',
      `${relative(directory, file)} cannot be loaded: ${(cause as Error).message}`,
      { cause, operation: 'load' },
    );
  }
  const origin = originOf(relative(directory, file));
  for (const [name, value] of Object.entries(loaded)) {
    if (isTask(value)) value.named(`${origin}#${name}`);
  }
}

/** What tasks of a file are named after: its path without its ending, with slashes. */
export function originOf(file: string): string {
  return file.split(sep).join('/').replace(CODE_FILE, '');
}

/** The files that fit a pattern whose last part may have stars. */
function filesOf(directory: string, pattern: string): string[] {
  const path = resolve(directory, pattern);
  const expression = new RegExp(
    `^${basename(path)
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );
  let names: string[];
  try {
    names = readdirSync(dirname(path));
  } catch {
    return [];
  }
  return names
    .filter((name) => expression.test(name) && CODE_FILE.test(name) && !DECLARATIONS.test(name))
    .sort()
    .map((name) => join(dirname(path), name));
}
