/**
 * Reads the query plans of Prisma 7.10: which of them are one statement, and how its rows are the
 * result.
 *
 * A plan is a tree of nodes that Prisma's interpreter walks. Those below change nothing about the
 * statement but how its rows are taken; every other node is refused.
 */

import { randomUUID } from 'node:crypto';
import {
  type Fragment,
  isPrismaValueGenerator,
  isPrismaValuePlaceholder,
  type PrismaValue,
  type QueryPlanDbQuery,
  type QueryPlanNode,
  type ResultNode,
} from '@prisma/client-engine-runtime';
import type { Parameter, QueryShape, ValueGenerator, ValueSource } from './query-shape.js';
import { refusal } from './refusal.js';
import type { ColumnMapping, FieldMapping, RowMapping, ScalarType } from './row-mapping.js';

type Node<Type extends QueryPlanNode['type']> = Extract<QueryPlanNode, { type: Type }>;
type TemplateSql = Extract<QueryPlanDbQuery, { type: 'templateSql' }>;
type Generators = ReadonlyMap<string, ValueGenerator>;

/** The statement in a plan, and what is done with its rows. */
interface Statement {
  query: QueryPlanDbQuery;
  isFirst: boolean;
  isRequired: boolean;
  isCount: boolean;
  generators: Generators;
}

/**
 * Makes the shape of a plan.
 *
 * @throws {PuffError} `PUFF_PRISMA_NOT_SQL` when it is not one statement whose rows are its result
 */
export function shapeOfPlan(plan: QueryPlanNode): QueryShape {
  if (plan.type !== 'dataMap') throw notOneStatement();
  const { expr, structure, enums } = plan.args;
  const statement = readNode(expr, new Map());
  if (statement.query.type !== 'templateSql') {
    throw refusal('is raw SQL already', 'Give toSql the Prisma.sql`...` template itself.');
  }
  const { sql, parameters } = render(statement.query, statement.generators);
  return { sql, parameters, mapping: mappingOf(statement, structure, enums) };
}

function notOneStatement(): Error {
  return refusal(
    'takes several statements: Prisma puts their rows together itself',
    'Load the relations with queries of their own, turn on the preview feature relationJoins, or await the query instead.',
  );
}

function readNode(node: QueryPlanNode, generators: Generators): Statement {
  switch (node.type) {
    case 'query':
      return plainStatement(node.args, generators, false);
    case 'execute':
      return plainStatement(node.args, generators, true);
    case 'unique':
      return { ...readNode(node.args, generators), isFirst: true };
    case 'validate':
      return readValidation(node, generators);
    case 'let':
      return readLet(node, generators);
    case 'process':
      throw refusal(
        'is finished by Prisma in memory (a negative take, distinct, some cursors)',
        'Turn the order around instead of a negative take, group instead of distinct, or await the query instead.',
      );
    case 'transaction':
      throw refusal('takes a transaction of several statements', 'Await the query instead.');
    case 'value':
      throw refusal('needs no statement: its result is known', 'Await the query instead.');
    default:
      throw notOneStatement();
  }
}

function plainStatement(
  query: QueryPlanDbQuery,
  generators: Generators,
  isCount: boolean,
): Statement {
  return { query, isFirst: false, isRequired: false, isCount, generators };
}

function readValidation({ args }: Node<'validate'>, generators: Generators): Statement {
  if (!requiresRow(args)) throw notOneStatement();
  return { ...readNode(args.expr, generators), isRequired: true };
}

function requiresRow({ rules, errorIdentifier }: Node<'validate'>['args']): boolean {
  const [rule] = rules;
  return (
    rules.length === 1 &&
    rule?.type === 'rowCountNeq' &&
    rule.args === 0 &&
    errorIdentifier === 'MISSING_RECORD'
  );
}

/** Values that Prisma generates, or a statement whose row is checked before it is the result. */
function readLet({ args }: Node<'let'>, outer: Generators): Statement {
  const [first] = args.bindings;
  if (first !== undefined && args.bindings.length === 1 && first.expr.type !== 'value') {
    return readCheckedRow(first.name, first.expr, args.expr, outer);
  }
  const generators = new Map(outer);
  for (const { name, expr } of args.bindings) {
    if (expr.type !== 'value' || !isPrismaValueGenerator(expr.args)) throw notOneStatement();
    generators.set(name, generatorOf(expr.args));
  }
  return readNode(args.expr, generators);
}

/** `let row = ...; validate(row); row`, as updates and deletes of one record have it. */
function readCheckedRow(
  name: string,
  expr: QueryPlanNode,
  body: QueryPlanNode,
  generators: Generators,
): Statement {
  if (body.type !== 'seq' || body.args.length !== 2) throw notOneStatement();
  const [check, result] = body.args as [QueryPlanNode, QueryPlanNode];
  if (result.type !== 'get' || result.args.name !== name) throw notOneStatement();
  if (check.type !== 'let' || check.args.expr.type !== 'unit') throw notOneStatement();
  const [checked] = check.args.bindings;
  if (check.args.bindings.length !== 1 || checked?.expr.type !== 'validate')
    throw notOneStatement();
  const validated = checked.expr.args.expr;
  if (validated.type !== 'get' || validated.args.name !== name) throw notOneStatement();
  if (!requiresRow(checked.expr.args)) throw notOneStatement();
  return { ...readNode(expr, generators), isRequired: true };
}

function generatorOf(call: PrismaValue): ValueGenerator {
  if (!isPrismaValueGenerator(call)) throw notOneStatement();
  const { name, args } = call.prisma__value;
  if (name === 'now') return (at) => at;
  if (name === 'uuid' && args[0] === 4) return () => randomUUID();
  throw refusal(
    `has a default that Prisma makes in JavaScript: ${name}(${args.join(', ')})`,
    'Give the value in the query.',
  );
}

/** Writes the statement; lists of `in` become one parameter each, whatever their length. */
function render(
  { fragments, args, argTypes }: TemplateSql,
  generators: Generators,
): { sql: string; parameters: Parameter[] } {
  const parameters: Parameter[] = [];
  let sql = '';
  for (const fragment of fragments) {
    if (fragment.type === 'stringChunk') {
      sql += fragment.chunk;
      continue;
    }
    const index = parameters.length;
    const source = sourceOf(args[index] as PrismaValue, generators);
    const type = argTypes[index];
    if (type === undefined || type.arity === 'tuple') throw comparesColumns();
    const isList = fragment.type !== 'parameter';
    parameters.push({ source, type, isList });
    const number = `$${parameters.length}`;
    sql = isList ? withList(sql, fragment, number) : sql + number;
  }
  return { sql, parameters };
}

/** Ends a text that ends with ` IN ` by a comparison with an array. */
function withList(sql: string, fragment: Fragment, number: string): string {
  const [operator, not] = / (NOT )?IN $/.exec(sql) ?? [];
  const isPlain =
    fragment.type === 'parameterTuple' && fragment.itemPrefix === '' && fragment.itemSuffix === '';
  if (!isPlain || operator === undefined) throw comparesColumns();
  const comparison = not === undefined ? '= ANY' : '<> ALL';
  return `${sql.slice(0, -operator.length)} ${comparison}(${number})`;
}

function comparesColumns(): Error {
  return refusal(
    'compares several columns with a list of values',
    'Write the comparisons with OR, or await the query instead.',
  );
}

function sourceOf(arg: PrismaValue, generators: Generators): ValueSource {
  if (isPrismaValueGenerator(arg)) return { kind: 'generator', generate: generatorOf(arg) };
  if (isPrismaValuePlaceholder(arg)) {
    const { name, type } = arg.prisma__value;
    const generate = generators.get(name);
    if (generate !== undefined) return { kind: 'generator', generate };
    return { kind: 'placeholder', name, isTime: type === 'DateTime' };
  }
  if (!Array.isArray(arg)) return { kind: 'constant', value: arg };
  return { kind: 'list', elements: arg.map((element) => sourceOf(element, generators)) };
}

type Enums = Node<'dataMap'>['args']['enums'];

function mappingOf(statement: Statement, structure: ResultNode, enums: Enums): RowMapping {
  if (structure.type === 'affectedRows') {
    if (!statement.isCount) throw notOneStatement();
    return { result: 'count', fields: [] };
  }
  if (structure.type !== 'object' || structure.serializedName !== null || statement.isCount) {
    throw notOneStatement();
  }
  const one = statement.isRequired ? 'required' : 'first';
  return {
    result: statement.isFirst ? one : 'many',
    fields: fieldsOf(structure.fields, enums),
  };
}

function fieldsOf(fields: Record<string, ResultNode>, enums: Enums): FieldMapping[] {
  return Object.entries(fields).map(([name, node]) => {
    if (node.type === 'field') return columnOf(name, node, enums);
    if (node.type !== 'object') throw notOneStatement();
    return {
      kind: 'object',
      name,
      column: node.serializedName,
      fields: fieldsOf(node.fields, enums),
      skipsNulls: node.skipNulls,
    };
  });
}

function columnOf(
  name: string,
  { dbName, fieldType }: Extract<ResultNode, { type: 'field' }>,
  enums: Enums,
): ColumnMapping {
  // What is JSON inside of JSON is no text that would have to be parsed.
  const type: ScalarType = fieldType.type === 'object' ? 'unsupported' : fieldType.type;
  const column: ColumnMapping = {
    kind: 'column',
    name,
    column: dbName,
    type,
    isList: fieldType.arity === 'list',
  };
  if (fieldType.type === 'enum') column.enumNames = enums[fieldType.name] ?? {};
  return column;
}
