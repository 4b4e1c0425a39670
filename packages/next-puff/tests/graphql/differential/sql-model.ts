import { Random } from '../support/random.ts';
import { COLUMN_KINDS, type ColumnKind } from './sql-columns.ts';

/** How the engine is told to resolve a relation. */
export type RelationMeans = 'static' | 'perParent' | 'layer' | 'values' | 'resolver';

export interface ColumnModel {
  readonly column: string;
  readonly field: string;
  readonly kind: ColumnKind;
  /** The type of the field, `!` included. */
  readonly type: string;
}

export interface RelationModel {
  readonly field: string;
  readonly target: string;
  readonly shape: 'one' | 'strictOne' | 'many' | 'count';
  readonly parentKey: string;
  readonly childKey: string;
  readonly keyType: string;
  readonly means: RelationMeans;
}

export interface TableModel {
  readonly table: string;
  readonly type: string;
  readonly columns: readonly ColumnModel[];
  readonly relations: readonly RelationModel[];
}

/** Keys that relations are made by: small domains, so that values are shared, missing and dangling. */
export const KEYS = [
  { name: 'key_int', sql: 'int4', value: (n: number) => String(n) },
  { name: 'key_big', sql: 'int8', value: (n: number) => String(5_000_000_000 + n) },
  { name: 'key_text', sql: 'text', value: (n: number) => `key "${n}", ä` },
  {
    name: 'key_uuid',
    sql: 'uuid',
    value: (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  },
] as const;

/** Draws tables with columns of all kinds, and relations among them. */
export function randomTables(seed: number): TableModel[] {
  const random = new Random(seed);
  const count = 2 + random.below(3);
  const names = Array.from({ length: count }, (_, index) => `t${seed}_${index + 1}`);
  return names.map((table, index) => ({
    table,
    type: `Table${index + 1}`,
    columns: random.sample(COLUMN_KINDS, 4 + random.below(7)).map((kind) => {
      const type = random.pick(kind.graphql);
      return {
        column: `the_${kind.name}`,
        field: `the${kind.name[0]?.toUpperCase()}${kind.name.slice(1)}`,
        kind,
        type: random.chance(0.25) ? `${type}!` : type,
      };
    }),
    relations: Array.from({ length: 2 + random.below(4) }, (_, number): RelationModel => {
      const key = random.pick(KEYS);
      const shape = random.pick([
        'one',
        'one',
        'strictOne',
        'many',
        'many',
        'many',
        'count',
      ] as const);
      const means = random.pick([
        'static',
        'static',
        'static',
        'layer',
        'values',
        'resolver',
      ] as const);
      return {
        field: `rel${'ABCDEF'[number]}`,
        target: `Table${1 + random.below(count)}`,
        shape,
        parentKey: key.sql === 'int4' && random.chance(0.3) ? 'id' : key.name,
        childKey: key.sql === 'int4' && random.chance(0.3) ? 'id' : key.name,
        keyType: key.sql,
        means: shape === 'many' && means === 'static' && random.chance(0.4) ? 'perParent' : means,
      };
    }),
  }));
}

/** The schema; with `isNullable`, output types have no non-null marks. */
export function sdlOf(tables: readonly TableModel[], isNullable = false): string {
  const types = tables.map(({ type, columns, relations }) => {
    const fields = [
      'id: Int!',
      ...columns.map((it) => `${it.field}: ${it.type}`),
      ...relations.map((it) => `${it.field}${argsOf(it)}: ${relationType(it)}`),
    ];
    return `type ${type} {\n  ${fields.join('\n  ')}\n}`;
  });
  const roots = tables.flatMap(({ type }) => [
    `all${type}(from: Int = 0, first: Int! = 100): [${type}]!`,
    `one${type}(id: Int!): ${type}`,
    `count${type}: Int!`,
  ]);
  const output = [...types, `type Query {\n  ${roots.join('\n  ')}\n}`].join('\n');
  const shown = isNullable
    ? output.replaceAll(/\)?: [^(\n]+$/gm, (it) => it.replaceAll('!', ''))
    : output;
  return `scalar Any\nenum Mood { HAPPY SAD SO_SO }\n${shown}\n`;
}

function argsOf({ shape, means }: RelationModel): string {
  if (shape !== 'many') return '';
  return means === 'perParent' ? '(first: Int = 3)' : '(from: Int = 0)';
}

function relationType({ shape, target }: RelationModel): string {
  switch (shape) {
    case 'one':
      return target;
    case 'strictOne':
      return `${target}!`;
    case 'many':
      return `[${target}!]!`;
    case 'count':
      return 'Int!';
  }
}

/** Statements that make the tables and fill them. */
export function tableStatements(
  tables: readonly TableModel[],
  seed: number,
): { text: string; values: (string | null)[] }[] {
  const random = new Random(seed);
  return tables.flatMap(({ table, columns }) => {
    const keys = KEYS.map((it) => `${it.name} ${it.sql}`);
    const defined = columns.map((it) => `${it.column} ${it.kind.sql}`);
    const names = ['id', ...KEYS.map((it) => it.name), ...columns.map((it) => it.column)];
    const marks = names.map((_, index) => `$${index + 1}`).join(', ');
    const rows = Array.from({ length: random.below(14) }, (_, index) => ({
      text: `insert into ${table} (${names.join(', ')}) values (${marks})`,
      values: [
        String(index + 1),
        ...KEYS.map((it) => (random.chance(0.15) ? null : it.value(random.below(8)))),
        ...columns.map((it) => {
          const nulls = it.type.endsWith('!') ? 0.01 : 0.15;
          return random.chance(nulls) ? null : random.pick(it.kind.values);
        }),
      ],
    }));
    const create = `create table ${table} (id int4 primary key, ${[...keys, ...defined].join(', ')})`;
    return [{ text: create, values: [] }, ...rows];
  });
}
