import { type ModuleEdits, quote } from './module-edits.js';
import {
  boundNames,
  type Declarator,
  type ExportDefault,
  type ExportNamed,
  endOf,
  exportedName,
  type ModuleSource,
  type SyntaxNode,
  startOf,
  walk,
} from './module-source.js';

type Directive = ModuleSource['program']['directives'][number];

/** Any node that is a function; methods among them. */
interface FunctionNode extends SyntaxNode {
  async: boolean;
  generator?: boolean;
  params: SyntaxNode[];
  body: SyntaxNode & { directives?: Directive[]; extra?: { parenStart?: number } };
  id?: { name: string } | null;
  key?: SyntaxNode & { name?: string; value?: unknown };
}

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ObjectMethod',
  'ClassMethod',
  'ClassPrivateMethod',
]);

/** Expressions that may give a function when they are evaluated; others Next.js refuses itself. */
const MAY_GIVE_FUNCTION = new Set([
  'CallExpression',
  'OptionalCallExpression',
  'TaggedTemplateExpression',
  'AwaitExpression',
  'Identifier',
  'MemberExpression',
  'ConditionalExpression',
  'LogicalExpression',
]);

/**
 * Makes every server action of a module run in a request context.
 *
 * Next.js derives an action's id from the file, the export's name and the parameters, and registers
 * the function that it finds. So the function stays and only its body changes, to
 * `{ 'use server'; return puffAction(name, async () => { ...body... }) }`. The inner function is an
 * arrow function: `this`, `arguments` and closures mean what they meant.
 *
 * @param file path of the module for messages, relative to the project
 */
export function wrapServerActions(module: ModuleSource, edits: ModuleEdits, file: string): void {
  const done = new Set<SyntaxNode>();
  const quoteName = (name: string) => quote(`${name} (${file})`);

  if (hasDirective(module.program.directives, 'use server')) wrapExports();
  walk(module.program, (node, parent) => {
    if (isFunction(node) && hasDirective(node.body.directives, 'use server')) {
      wrapBody(node, nameOf(node, parent));
    }
    return true;
  });

  function wrapExports(): void {
    for (const statement of module.program.body) {
      if (statement.type === 'ExportDefaultDeclaration') wrapDefault(statement);
      if (statement.type !== 'ExportNamedDeclaration' || statement.exportKind === 'type') continue;
      // Next.js refuses `export ... from` in these files.
      const { declaration, source } = statement;
      if (source) continue;
      if (!declaration) wrapSpecifiers(statement);
      else if (isFunction(declaration)) wrapBody(declaration, declaration.id?.name ?? 'action');
      else if (declaration.type === 'VariableDeclaration') {
        const { declarations } = declaration;
        if (declarations.every(({ id }) => id.type === 'Identifier')) {
          for (const declarator of declarations) wrapVariable(declarator);
          continue;
        }
        edits.dropExportKeyword(statement);
        for (const name of declarations.flatMap(({ id }) => boundNames(id))) {
          exportWrapped(name, name);
        }
      }
    }
  }

  function wrapDefault({ declaration }: ExportDefault): void {
    if (isFunction(declaration)) {
      wrapBody(declaration, declaration.id?.name ?? 'default export');
    } else if (declaration.type === 'Identifier' && wrapLocal(declaration.name)) {
      return;
    } else if (declaration.type !== 'TSDeclareFunction') {
      wrapExpression(declaration, 'default export');
    }
  }

  function wrapSpecifiers(statement: ExportNamed): void {
    const kept: string[] = [];
    for (const specifier of statement.specifiers) {
      const text = module.code.slice(startOf(specifier), endOf(specifier));
      if (specifier.type !== 'ExportSpecifier' || specifier.exportKind === 'type') {
        kept.push(text);
        continue;
      }
      const name = exportedName(specifier.exported);
      const local = exportedName(specifier.local);
      if (isImported(local)) {
        exportWrapped(name, local);
      } else {
        wrapLocal(local);
        kept.push(text);
      }
    }
    if (kept.length === statement.specifiers.length) return;
    edits.replace(statement, kept.length > 0 ? `export { ${kept.join(', ')} };` : '');
  }

  /** Wraps what a module-level name stands for, where it is declared. */
  function wrapLocal(name: string): boolean {
    for (const statement of module.program.body) {
      const declaration =
        (statement.type === 'ExportNamedDeclaration' && statement.declaration) || statement;
      if (isFunction(declaration) && declaration.id?.name === name) {
        wrapBody(declaration, name);
        return true;
      }
      if (declaration.type !== 'VariableDeclaration') continue;
      for (const declarator of declaration.declarations) {
        if (declarator.id.type === 'Identifier' && declarator.id.name === name) {
          wrapVariable(declarator);
          return true;
        }
      }
    }
    return false;
  }

  function wrapVariable({ id, init }: Declarator): void {
    if (init) wrapExpression(init, boundNames(id)[0] ?? 'action');
  }

  function wrapExpression(expression: SyntaxNode, name: string): void {
    const value = withoutTypes(expression);
    if (isFunction(value)) wrapBody(value, name);
    else if (MAY_GIVE_FUNCTION.has(value.type) && !done.has(value)) {
      done.add(value);
      const before = `${edits.runtime('puffWrapAction')}(${quoteName(name)}, `;
      edits.surround(startOf(value), endOf(value), before, ')');
    }
  }

  function exportWrapped(name: string, value: string): void {
    edits.exportAs(name, `${edits.runtime('puffWrapAction')}(${quoteName(name)}, ${value})`);
  }

  function isImported(name: string): boolean {
    return module.program.body.some(
      (statement) =>
        statement.type === 'ImportDeclaration' &&
        statement.importKind !== 'type' &&
        statement.specifiers.some(
          (specifier) =>
            specifier.local.name === name &&
            !(specifier.type === 'ImportSpecifier' && specifier.importKind === 'type'),
        ),
    );
  }

  function wrapBody(fn: FunctionNode, name: string): void {
    const { body } = fn;
    // What is not async, or a generator, is no action: Next.js says so better than we could.
    if (done.has(fn) || !fn.async || fn.generator) return;
    if (body.directives?.some(({ value }) => value.value.startsWith('use cache'))) return;
    done.add(fn);
    const call = `${edits.runtime('puffAction')}(${quoteName(name)}, async (`;
    if (body.type !== 'BlockStatement') {
      const start = body.extra?.parenStart ?? startOf(body);
      edits.surround(start, endOf(fn), `${call}) => `, ')');
      return;
    }
    const redeclared = redeclaredParameters(fn).join(', ');
    const last = body.directives?.at(-1);
    const start = last ? endOf(last) : startOf(body) + 1;
    const separator = last && module.code[start - 1] !== ';' ? '; ' : ' ';
    edits.insertBefore(start, `${separator}return ${call}${redeclared}) => {`);
    edits.insertBefore(endOf(body) - 1, redeclared ? `}, ${redeclared}); ` : '}); ');
  }
}

/**
 * Parameters that the body declares once more with `var`: that variable starts with the parameter's
 * value, so the inner function has to take it as its parameter too.
 */
function redeclaredParameters(fn: FunctionNode): string[] {
  const parameters = new Set(fn.params.flatMap(boundNames));
  const redeclared = new Set<string>();
  walk(fn.body, (node) => {
    if (isFunction(node)) return false;
    if (node.type === 'VariableDeclaration' && (node as { kind?: string }).kind === 'var') {
      for (const { id } of (node as unknown as { declarations: Declarator[] }).declarations) {
        for (const name of boundNames(id)) if (parameters.has(name)) redeclared.add(name);
      }
    }
    return true;
  });
  return [...redeclared];
}

function isFunction(node: SyntaxNode): node is FunctionNode {
  return FUNCTIONS.has(node.type);
}

function hasDirective(directives: Directive[] | undefined, text: string): boolean {
  return directives?.some(({ value }) => value.value === text) ?? false;
}

/** The expression inside of `as`, `satisfies` and `!`. */
function withoutTypes(node: SyntaxNode): SyntaxNode {
  let current = node;
  while (/^TS(As|Satisfies|NonNull|TypeAssertion|Instantiation)(Expression)?$/.test(current.type)) {
    current = (current as SyntaxNode & { expression: SyntaxNode }).expression;
  }
  return current;
}

function nameOf(fn: FunctionNode, parent: SyntaxNode | undefined): string {
  const named = fn.id ?? fn.key ?? (parent as { id?: unknown; key?: unknown } | undefined)?.id;
  const key = named ?? (parent as { key?: unknown } | undefined)?.key;
  const name = (key as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? name : 'inline action';
}
