import { type ASTNode, type DocumentNode, Kind, type NameNode, parse, print, visit } from 'graphql';
import type { Random } from '../support/random.ts';
import type { OperationRequest } from './random-operation.ts';

type Draft = { -readonly [K in keyof ASTNode]: ASTNode[K] } & Record<string, unknown>;
type Change = (node: Draft, random: Random, all: readonly Draft[]) => void;

const name = (value: string): NameNode => ({ kind: Kind.NAME, value });
const drop = (list: unknown, random: Random) =>
  (list as unknown[] | undefined)?.splice(random.below((list as unknown[]).length), 1);
const repeat = (list: unknown, random: Random) => {
  const nodes = list as unknown[];
  if (nodes.length > 0) nodes.push(structuredClone(random.pick(nodes)));
};
const VALUES = ['1', '"text"', 'null', '[]', '{}', 'ENUM', '1.5', '$unknown', '{a: {b: 1}}'];
const anyValue = (random: Random) => {
  const document = parse(`{ f(a: ${random.pick(VALUES)}) }`, { noLocation: true });
  let value: unknown;
  visit(document, {
    Argument(node) {
      value = node.value;
    },
  });
  return value;
};
const anyDirective = (random: Random) => {
  const text = random.pick([
    '@nothing',
    '@skip',
    '@skip(if: "no")',
    '@include(if: $nothing)',
    '@include(if: true) @include(if: true)',
    '@deprecated',
    '@tag(other: 1)',
    '@tag(label: 1)',
  ]);
  const document = parse(`{ f ${text} }`, { noLocation: true });
  let directives: unknown;
  visit(document, {
    Field(node) {
      directives = node.directives;
    },
  });
  return directives as unknown[];
};

/** What may be done to a node of each kind. */
const CHANGES: Partial<Record<Kind, readonly Change[]>> = {
  [Kind.FIELD]: [
    (node) => {
      node.name = name('nothing');
    },
    (node) => {
      node.alias = name('leaf');
    },
    (node, random) => repeat(node.arguments, random),
    (node, random) => drop(node.arguments, random),
    (node) => void delete node.selectionSet,
    (node) => {
      node.selectionSet = parseSelections('{ leaf }');
    },
    (node, random) => {
      node.directives = anyDirective(random);
    },
    (node, random, all) => {
      const others = all.filter((it) => it.kind === Kind.FIELD);
      node.alias = structuredClone(random.pick(others).name as NameNode);
    },
  ],
  [Kind.ARGUMENT]: [
    (node) => {
      node.name = name('nothing');
    },
    (node, random) => {
      node.value = anyValue(random);
    },
  ],
  [Kind.OBJECT_FIELD]: [
    (node) => {
      node.name = name('nothing');
    },
    (node, random) => {
      node.value = anyValue(random);
    },
  ],
  [Kind.NAMED_TYPE]: [
    (node, random) => {
      node.name = name(random.pick(['Int', 'String', 'Query', 'Thing1', 'Input1', 'Enum1', 'No']));
    },
  ],
  [Kind.NON_NULL_TYPE]: [
    (node) => {
      Object.assign(node, structuredClone(node.type));
    },
  ],
  [Kind.VARIABLE]: [
    (node) => {
      node.name = name('nothing');
    },
  ],
  [Kind.FRAGMENT_SPREAD]: [
    (node) => {
      node.name = name('Nothing');
    },
    (node, random, all) => {
      const fragments = all.filter((it) => it.kind === Kind.FRAGMENT_DEFINITION);
      node.name = structuredClone(random.pick(fragments).name as NameNode);
    },
  ],
  [Kind.VARIABLE_DEFINITION]: [
    (node) => void delete node.defaultValue,
    (node, random) => {
      const value = anyValue(random) as { kind: Kind };
      if (value.kind !== Kind.VARIABLE) node.defaultValue = value;
    },
  ],
  [Kind.SELECTION_SET]: [(node, random) => drop(node.selections, random)],
  [Kind.FRAGMENT_DEFINITION]: [
    (node) => {
      node.name = name('Renamed');
    },
  ],
  [Kind.OPERATION_DEFINITION]: [
    (node) => {
      node.name = name('Renamed');
    },
    (node, random) => drop(node.variableDefinitions, random),
    (node, random) => repeat(node.variableDefinitions, random),
    (node, random) => {
      node.operation = random.pick(['query', 'mutation', 'subscription']);
    },
    (node, random) => {
      node.directives = anyDirective(random);
    },
  ],
  [Kind.DOCUMENT]: [
    (node, random) => drop(node.definitions, random),
    (node, random) => repeat(node.definitions, random),
    (node) => {
      const added = parse('type New { a: Int }', { noLocation: true });
      (node.definitions as unknown[]).push(...added.definitions);
    },
  ],
};

/** The request with one thing changed that makes it invalid most of the time. */
export function mutateOperation(random: Random, request: OperationRequest): OperationRequest {
  if (random.chance(0.25)) return { ...request, query: mutateText(random, request.query) };
  const document = structuredClone(
    parse(request.query, { noLocation: true }),
  ) as unknown as DocumentNode;
  const nodes: Draft[] = [];
  visit(document, { enter: (node) => void nodes.push(node as unknown as Draft) });
  const kinds = [...new Set(nodes.map((it) => it.kind))].filter((it) => CHANGES[it] !== undefined);
  const kind = random.pick(kinds);
  const node = random.pick(nodes.filter((it) => it.kind === kind));
  random.pick(CHANGES[kind] as readonly Change[])(node, random, nodes);
  return { ...request, query: print(document) };
}

function mutateText(random: Random, text: string): string {
  const at = random.below(text.length);
  const end = at + 1 + random.below(3);
  const piece = random.pick([
    '{',
    '}',
    '(',
    ')',
    '!',
    '...',
    '"',
    '"""',
    '$',
    ':',
    '@',
    '\u0000',
    '😀',
  ]);
  switch (random.below(3)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + piece + text.slice(at);
    default:
      return text.slice(0, at) + piece + text.slice(end);
  }
}

function parseSelections(text: string): unknown {
  const [operation] = parse(text, { noLocation: true }).definitions;
  return operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet : undefined;
}
