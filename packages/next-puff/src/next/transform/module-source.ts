import { type ParserPlugin, parse } from '@babel/parser';

type Program = ReturnType<typeof parse>['program'];
/** A statement of a module. */
export type Statement = Program['body'][number];
type NodeOf<Type extends string> = Extract<Statement, { type: Type }>;
export type ExportNamed = NodeOf<'ExportNamedDeclaration'>;
export type ExportDefault = NodeOf<'ExportDefaultDeclaration'>;
export type VariableDeclaration = NodeOf<'VariableDeclaration'>;
export type Declarator = VariableDeclaration['declarations'][number];
export type Expression = NonNullable<Declarator['init']>;
export type Pattern = Declarator['id'];

/** What all nodes have in common; `start` and `end` are offsets into the source. */
export interface SyntaxNode {
  type: string;
  start?: number | null;
  end?: number | null;
}

/** A module's syntax tree. */
export interface ModuleSource {
  code: string;
  program: Program;
}

/**
 * Parses a module as the language that its name says.
 *
 * @throws SyntaxError as @babel/parser reports it
 */
export function parseModule(code: string, path: string): ModuleSource {
  const plugins: ParserPlugin[] = ['decorators-legacy', 'explicitResourceManagement'];
  if (/\.[cm]?tsx?$/.test(path)) plugins.push('typescript');
  // In .ts files `<T>value` is a cast.
  if (!/\.[cm]?ts$/.test(path)) plugins.push('jsx');
  return { code, program: parse(code, { sourceType: 'module', plugins }).program };
}

/** Where a node begins; the parser fills it in for every node that comes from a source. */
export function startOf(node: SyntaxNode): number {
  return node.start as number;
}

/** Where a node ends. */
export function endOf(node: SyntaxNode): number {
  return node.end as number;
}

/** Whether a value of the syntax tree is a node. */
function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { type?: unknown }).type === 'string'
  );
}

const NOT_CHILDREN = new Set([
  'loc',
  'extra',
  'leadingComments',
  'trailingComments',
  'innerComments',
]);

/** The nodes directly below a node. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (NOT_CHILDREN.has(key)) continue;
    if (Array.isArray(value)) children.push(...value.filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

/** Calls `visit` for a node and all below it; below a node for which it answers false it does not look. */
export function walk(
  root: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | undefined) => boolean | undefined,
): void {
  const pending: [SyntaxNode, SyntaxNode | undefined][] = [[root, undefined]];
  for (let entry = pending.pop(); entry; entry = pending.pop()) {
    const [node, parent] = entry;
    if (visit(node, parent) === false) continue;
    for (const child of childrenOf(node)) pending.push([child, node]);
  }
}

/** The name of an import or export, which may be written as a string. */
export function exportedName(
  node: { type: 'Identifier'; name: string } | { type: 'StringLiteral'; value: string },
): string {
  return node.type === 'Identifier' ? node.name : node.value;
}

/** The variables that a pattern binds. */
export function boundNames(pattern: SyntaxNode): string[] {
  const node = pattern as Pattern;
  switch (node.type) {
    case 'Identifier':
      return [node.name];
    case 'ObjectPattern':
      return node.properties.flatMap((property) =>
        boundNames(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'ArrayPattern':
      return node.elements.flatMap((element) => (element ? boundNames(element) : []));
    default: {
      const { left, argument, parameter } = pattern as {
        left?: SyntaxNode;
        argument?: SyntaxNode;
        parameter?: SyntaxNode;
      };
      const inner = left ?? argument ?? parameter;
      return inner ? boundNames(inner) : [];
    }
  }
}
