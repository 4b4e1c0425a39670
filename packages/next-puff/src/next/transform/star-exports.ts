import { readFile } from 'node:fs/promises';
import { boundNames, exportedName, type ModuleSource, parseModule } from './module-source.js';

/** Finds the file that an import means; rejects when there is none. */
export type Resolve = (fromFile: string, specifier: string) => Promise<string>;

/**
 * The names that a module exports, those of its own `export *` among them; nothing when it cannot be
 * found, read or parsed.
 *
 * @param onFile is told every file that the answer depends on
 */
export async function exportsOf(
  fromFile: string,
  specifier: string,
  resolve: Resolve,
  onFile: (path: string) => void,
  seen: Set<string> = new Set(),
): Promise<Set<string> | undefined> {
  let module: ModuleSource;
  let path: string;
  try {
    path = await resolve(fromFile, specifier);
    if (seen.has(path)) return new Set();
    seen.add(path);
    onFile(path);
    module = parseModule(await readFile(path, 'utf8'), path);
  } catch {
    return undefined;
  }
  const names = new Set<string>();
  for (const statement of module.program.body) {
    if (statement.type === 'ExportAllDeclaration' && statement.exportKind !== 'type') {
      const inner = await exportsOf(path, statement.source.value, resolve, onFile, seen);
      if (inner === undefined) return undefined;
      for (const name of inner) if (name !== 'default') names.add(name);
    }
    if (statement.type !== 'ExportNamedDeclaration' || statement.exportKind === 'type') continue;
    for (const name of namesOf(statement)) names.add(name);
  }
  return names;
}

function namesOf(
  statement: Extract<ModuleSource['program']['body'][number], { type: 'ExportNamedDeclaration' }>,
): string[] {
  const { declaration } = statement;
  if (declaration?.type === 'VariableDeclaration') {
    return declaration.declarations.flatMap(({ id }) => boundNames(id));
  }
  if (declaration?.type === 'FunctionDeclaration') {
    return declaration.id ? [declaration.id.name] : [];
  }
  return statement.specifiers.flatMap((specifier) =>
    specifier.type === 'ExportSpecifier' && specifier.exportKind === 'type'
      ? []
      : [exportedName(specifier.exported as Parameters<typeof exportedName>[0])],
  );
}
