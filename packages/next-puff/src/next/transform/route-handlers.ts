import { type ModuleEdits, quote } from './module-edits.js';
import {
  boundNames,
  type ExportNamed,
  endOf,
  exportedName,
  type ModuleSource,
  startOf,
  type VariableDeclaration,
} from './module-source.js';

/** The methods that Next.js takes from a route file. */
export const HTTP_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
]);

/** What takes WebSockets; next-puff's own server calls it. */
const UPGRADE = 'UPGRADE';

const HANDLERS: ReadonlySet<string> = new Set([...HTTP_METHODS, UPGRADE]);

/** What the module of an `export *` exports, or nothing when that cannot be told. */
export type StarExports = (specifier: string) => Promise<ReadonlySet<string> | undefined>;

/** How the exports of a route file are to be wrapped. */
export interface RouteHandlerOptions {
  /** Path of the route for messages, for example `/api/polls`. */
  route: string;
  starExports: StarExports;
  warn: (message: string) => void;
}

/**
 * Exports the handlers of a route file wrapped.
 *
 * Handlers keep their code and their local names; the module stops exporting them and exports
 * `puffRoute(handler)` under the same names, or `puffUpgrade(handler)`. Everything else, segment config
 * above all, keeps its form, because Next.js reads it from the text.
 */
export async function wrapRouteHandlers(
  module: ModuleSource,
  edits: ModuleEdits,
  options: RouteHandlerOptions,
): Promise<void> {
  if (runsOnEdge(module)) return;
  const wrapper = (method: string, handler: string) => {
    const wrap = edits.runtime(method === UPGRADE ? 'puffUpgrade' : 'puffRoute');
    return `${wrap}(${quote(`${method} ${options.route}`)}, ${handler})`;
  };
  const exportWrapped = (method: string, handler: string) =>
    edits.exportAs(method, wrapper(method, handler));
  const explicit = new Set<string>();
  const stars: string[] = [];

  for (const statement of module.program.body) {
    if (statement.type === 'ExportAllDeclaration' && statement.exportKind !== 'type') {
      stars.push(statement.source.value);
    }
    if (statement.type !== 'ExportNamedDeclaration' || statement.exportKind === 'type') continue;
    const { declaration } = statement;
    if (declaration?.type === 'FunctionDeclaration' && declaration.id) {
      const { name } = declaration.id;
      if (!HANDLERS.has(name)) continue;
      explicit.add(name);
      edits.dropExportKeyword(statement);
      exportWrapped(name, name);
    } else if (declaration?.type === 'VariableDeclaration') {
      wrapVariables(statement, declaration);
    } else if (!declaration) {
      wrapSpecifiers(statement);
    }
  }

  for (const specifier of stars) await wrapStar(specifier);

  function wrapVariables(statement: ExportNamed, declaration: VariableDeclaration): void {
    const names = declaration.declarations.flatMap(({ id }) => boundNames(id));
    const methods = names.filter((name) => HANDLERS.has(name));
    for (const method of methods) explicit.add(method);
    if (methods.length === 0) return;
    const simple = declaration.declarations.every(({ id }) => id.type === 'Identifier');
    if (simple && methods.length < names.length) {
      // Segment config shares the statement, so the statement stays an export.
      for (const { id, init } of declaration.declarations) {
        const [method] = boundNames(id);
        if (!init || !method || !HANDLERS.has(method)) continue;
        const start = (init.extra?.parenStart as number | undefined) ?? startOf(init);
        const before = wrapper(method, '').slice(0, -1);
        edits.surround(start, endOf(init) + (start < startOf(init) ? 1 : 0), before, ')');
      }
      return;
    }
    edits.dropExportKeyword(statement);
    for (const method of methods) exportWrapped(method, method);
    const others = names.filter((name) => !HANDLERS.has(name));
    if (others.length > 0) edits.append(`export { ${others.join(', ')} };`);
  }

  function wrapSpecifiers(statement: ExportNamed): void {
    const kept: string[] = [];
    let wrapsSome = false;
    for (const specifier of statement.specifiers) {
      const isValue = specifier.type === 'ExportSpecifier' && specifier.exportKind !== 'type';
      const name = isValue ? exportedName(specifier.exported) : '';
      if (!isValue || !HANDLERS.has(name)) {
        kept.push(module.code.slice(startOf(specifier), endOf(specifier)));
        continue;
      }
      wrapsSome = true;
      explicit.add(name);
      const local = module.code.slice(startOf(specifier.local), endOf(specifier.local));
      exportWrapped(name, statement.source ? importFrom(statement.source.value, local) : local);
    }
    if (!wrapsSome) return;
    const from = statement.source ? ` from ${quote(statement.source.value)}` : '';
    edits.replace(statement, kept.length > 0 ? `export { ${kept.join(', ')} }${from};` : '');
  }

  async function wrapStar(specifier: string): Promise<void> {
    const names = await options.starExports(specifier);
    if (names === undefined) {
      options.warn(
        `\`export * from '${specifier}'\`: what it exports cannot be told, so its handlers run ` +
          `without a request context. Name them: \`export { GET } from '${specifier}'\`.`,
      );
      return;
    }
    // An export by name goes before one by star, so the star can stay for the other names.
    for (const method of HANDLERS) {
      if (!names.has(method) || explicit.has(method)) continue;
      explicit.add(method);
      exportWrapped(method, importFrom(specifier, method));
    }
  }

  function importFrom(specifier: string, name: string): string {
    const local = edits.freshName('import');
    edits.append(`import { ${name} as ${local} } from ${quote(specifier)};`);
    return local;
  }
}

/** `export const runtime = 'edge'`: there is no Node.js and no native core there. */
function runsOnEdge(module: ModuleSource): boolean {
  return module.program.body.some(
    (statement) =>
      statement.type === 'ExportNamedDeclaration' &&
      statement.declaration?.type === 'VariableDeclaration' &&
      statement.declaration.declarations.some(({ id, init }) => {
        const value = init?.type === 'TSAsExpression' ? init.expression : init;
        return (
          id.type === 'Identifier' &&
          id.name === 'runtime' &&
          value?.type === 'StringLiteral' &&
          (value.value === 'edge' || value.value === 'experimental-edge')
        );
      }),
  );
}
