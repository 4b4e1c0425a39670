import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { type ModuleEdits, quote } from './module-edits.js';
import {
  boundNames,
  endOf,
  exportedName,
  type ModuleSource,
  type Statement,
  startOf,
} from './module-source.js';

/** The module whose functions are looked for. */
export const TASKS_MODULE = 'next-puff/tasks';

/** Where tasks are, below the project. */
const FOLDERS = ['tasks', join('src', 'tasks')];
/** Modules by their names. */
export const CODE_FILE = /\.[cm]?[jt]sx?$/;
const NOT_TASKS = /\.(?:d|test|spec)\.[cm]?[jt]sx?$/;

/** What brings all tasks into the server: a module that imports it from `next-puff/tasks`. */
export const CARRIERS: ReadonlySet<string> = new Set(['taskRoutes', 'startWorker']);

/**
 * Names the tasks that a module exports after it: `export const sendMail = task(...)` in `tasks/mail.ts` becomes
 * `tasks/mail#sendMail`.
 */
export function nameTasks(module: ModuleSource, edits: ModuleEdits, file: string): void {
  const origin = file.replace(CODE_FILE, '');
  const name = (exported: string, local: string) => {
    edits.append(`${edits.runtime('puffTask')}(${quote(`${origin}#${exported}`)}, ${local});`);
  };
  for (const statement of module.program.body) {
    if (statement.type === 'ExportDefaultDeclaration') {
      const { declaration } = statement;
      if (declaration.type !== 'CallExpression') continue;
      const start = (declaration.extra?.parenStart as number | undefined) ?? startOf(declaration);
      const isInParentheses = start < startOf(declaration);
      const before = `${edits.runtime('puffTask')}(${quote(`${origin}#default`)}, `;
      edits.surround(start, endOf(declaration) + (isInParentheses ? 1 : 0), before, ')');
    } else if (statement.type === 'ExportNamedDeclaration' && statement.exportKind !== 'type') {
      const { declaration } = statement;
      if (declaration?.type === 'VariableDeclaration') {
        for (const local of declaration.declarations.flatMap(({ id }) => boundNames(id))) {
          name(local, local);
        }
      } else if (!declaration && !statement.source) {
        for (const specifier of statement.specifiers) {
          if (specifier.type !== 'ExportSpecifier' || specifier.exportKind === 'type') continue;
          name(exportedName(specifier.exported), specifier.local.name);
        }
      }
    }
  }
}

/** Whether a module uses `task()`. */
export function makesTasks(module: ModuleSource): boolean {
  return importedNames(module).has('task');
}

/** Whether a module is one of those that bring all tasks into the server. */
export function carriesTasks(module: ModuleSource): boolean {
  return [...importedNames(module)].some((name) => CARRIERS.has(name));
}

/** Has a module import all files with tasks of the project. */
export function importTasks(edits: ModuleEdits, path: string, directory: string): void {
  for (const file of taskFiles(directory)) {
    if (file === path) continue;
    const from = relative(dirname(path), file).split(sep).join('/');
    edits.append(`import ${quote(from.startsWith('.') ? from : `./${from}`)};`);
  }
}

/** The folders of a project in which files with tasks are, or may come to be. */
export function taskFolders(directory: string): string[] {
  return FOLDERS.map((folder) => join(directory, folder)).filter((folder) => existsSync(folder));
}

/** All files with tasks, in an order that is always the same. */
export function taskFiles(directory: string): string[] {
  return taskFolders(directory).flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => CODE_FILE.test(name) && !NOT_TASKS.test(name))
      .sort()
      .map((name) => join(folder, name)),
  );
}

/** What a module imports from `next-puff/tasks`, by the names there. */
function importedNames({ program }: ModuleSource): Set<string> {
  const names = new Set<string>();
  for (const statement of program.body as Statement[]) {
    const isImport = statement.type === 'ImportDeclaration';
    const isReexport = statement.type === 'ExportNamedDeclaration' && statement.source;
    if (!isImport && !isReexport) continue;
    if (statement.source?.value !== TASKS_MODULE) continue;
    for (const specifier of statement.specifiers) {
      if (specifier.type === 'ImportSpecifier') names.add(exportedName(specifier.imported));
      else if (specifier.type === 'ExportSpecifier') names.add(exportedName(specifier.local));
    }
  }
  return names;
}
