import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLScalarType, type GraphQLSchema } from 'graphql';
import { defineSchema, layer, type PuffSchema, perParent, sql } from 'next-puff/graphql';
import type pg from 'pg';
import { WITHOUT_LIMITS } from '../support/engine.ts';
import { type RelationModel, sdlOf, type TableModel } from './sql-model.ts';

/** A row with its values as PostgreSQL prints them. */
type TextRow = Record<string, string | null>;

const asText = { getTypeParser: () => (text: string) => text };

/** The reference: graphql-js, a statement per field and parent, texts turned into values here. */
export function referenceSchema(
  tables: readonly TableModel[],
  client: pg.Client,
  isNullable = false,
): GraphQLSchema {
  const resolvers: Record<string, Record<string, unknown>> = { Query: {} };
  for (const { type, table, columns, relations } of tables) {
    Object.assign(resolvers.Query as object, {
      [`all${type}`]: (_: unknown, { from, first }: Record<string, number>) =>
        rowsOf(client, `select * from ${table} where id >= $1 order by id limit greatest($2, 0)`, [
          from ?? null,
          first,
        ]),
      [`one${type}`]: async (_: unknown, { id }: { id: number }) =>
        (await rowsOf(client, `select * from ${table} where id = $1`, [id]))[0],
      [`count${type}`]: async () =>
        Number((await rowsOf(client, `select count(*)::int as n from ${table}`, []))[0]?.n),
    });
    const fields: Record<string, unknown> = { id: (row: TextRow) => Number(row.id) };
    for (const { field, column, kind, type: graphqlType } of columns) {
      const bare = graphqlType.replaceAll(/[[\]!]/g, '');
      fields[field] = (row: TextRow) => {
        const text = row[column];
        return text == null ? null : kind.read(text, bare);
      };
    }
    for (const relation of relations) {
      fields[relation.field] = async (row: TextRow, args: Record<string, number>) => {
        const key = row[relation.parentKey];
        const target = tables.find((it) => it.type === relation.target)?.table;
        const text = `select * from ${target} where ${relation.childKey} = $1 and id >= $2 order by id limit greatest(coalesce($3::int, 1000), 0)`;
        const from = 'from' in args ? args.from : 0;
        const first = 'first' in args ? args.first : null;
        const rows = key == null ? [] : await rowsOf(client, text, [key, from, first]);
        if (relation.shape === 'many') return rows;
        return relation.shape === 'count' ? rows.length : rows[0];
      };
    }
    resolvers[type] = fields;
  }
  return makeExecutableSchema({
    typeDefs: sdlOf(tables, isNullable),
    resolvers: withAny(resolvers),
  });
}

function withAny(resolvers: object): Record<string, never> {
  const any = new GraphQLScalarType({ name: 'Any', serialize: (value) => value });
  return { ...resolvers, Any: any } as unknown as Record<string, never>;
}

interface Call {
  args: Record<string, number>;
  parents: Record<string, unknown[]>;
}

/** The same with layers. */
export function layerSchema(tables: readonly TableModel[], client: pg.Client): PuffSchema<unknown> {
  const layers: Record<string, Record<string, unknown>> = { Query: {} };
  const resolvers: Record<string, Record<string, unknown>> = {};
  for (const { type, table, relations } of tables) {
    const name = sql.identifier(table);
    Object.assign(layers.Query as object, {
      [`all${type}`]: layer.static(
        ({ args }: Call) =>
          sql`select * from ${name} where id >= ${args.from} order by id limit greatest(${args.first}, 0)`,
      ),
      [`one${type}`]: layer.static(
        ({ args }: Call) => sql`select * from ${name} where id = ${args.id}`,
        { pins: { id: 'id' } },
      ),
      [`count${type}`]: layer.static(() => sql`select count(*)::int as n from ${name}`, {
        value: 'n',
      }),
    });
    const fields: Record<string, unknown> = {};
    for (const relation of relations) {
      const target = tables.find((it) => it.type === relation.target) as TableModel;
      if (relation.means === 'resolver' || relation.means === 'values') {
        const resolve = valuesOf(relation, target, client);
        if (relation.means === 'values') {
          fields[relation.field] = layer(({ args, parents }: Call) =>
            Promise.all((parents[relation.parentKey] ?? []).map((key) => resolve(key, args))),
          );
        } else {
          resolvers[type] ??= {};
          (resolvers[type] as object as Record<string, unknown>)[relation.field] = (
            parent: Record<string, unknown>,
            args: Record<string, number>,
          ) => resolve(parent[relation.parentKey], args);
        }
      } else {
        fields[relation.field] = statementOf(relation, target.table);
      }
    }
    layers[type] = fields;
  }
  return defineSchema<unknown>({
    typeDefs: sdlOf(tables),
    layers: layers as never,
    resolvers: resolvers as never,
    introspection: true,
    onError: () => {},
    maskErrors: false,
    limits: WITHOUT_LIMITS,
  });
}

/** The relation as SQL for all parents. */
function statementOf({ shape, parentKey, childKey, keyType, means }: RelationModel, table: string) {
  const name = sql.identifier(table);
  const key = sql.identifier(childKey);
  if (means === 'perParent') {
    return layer.static(({ args, parents }: Call) =>
      perParent(
        parents[parentKey] as never,
        (parent: unknown) =>
          sql`select * from ${name} where ${key} = ${parent as number} order by id limit greatest(coalesce(${args.first}::int, 1000), 0)`,
        { type: keyType },
      ),
    );
  }
  const statement = ({ args, parents }: Call) =>
    shape === 'count'
      ? sql`select ${key}, count(*)::int as n from ${name} where ${key} = any(${parents[parentKey] as number[]}) group by 1`
      : shape === 'many'
        ? sql`select * from ${name} where ${key} = any(${parents[parentKey] as number[]}) and id >= ${args.from} order by id`
        : sql`select * from ${name} where ${key} = any(${parents[parentKey] as number[]}) order by id`;
  const on = { [parentKey]: childKey };
  // A count needs a default for parents without rows, which only static layers have.
  if (means === 'layer' && shape !== 'count') return layer(statement, { on });
  return layer.static(statement, shape === 'count' ? { on, value: 'n', default: 0 } : { on });
}

/** The relation as JavaScript for one parent, with objects that have the fields as properties. */
function valuesOf({ shape, childKey }: RelationModel, target: TableModel, client: pg.Client) {
  return async (key: unknown, args: Record<string, number>): Promise<unknown> => {
    const first = 'first' in args ? args.first : null;
    const from = 'from' in args ? args.from : 0;
    const text = `select * from ${target.table} where ${childKey} = $1 and id >= $2 order by id limit greatest(coalesce($3::int, 1000), 0)`;
    const rows = key == null ? [] : await rowsOf(client, text, [key, from, first]);
    if (shape === 'count') return rows.length;
    const objects = rows.map((row) => objectOf(row, target));
    return shape === 'many' ? objects : (objects[0] ?? null);
  };
}

function objectOf(row: TextRow, { columns }: TableModel): Record<string, unknown> {
  const fields = columns.map(({ field, column, kind, type }) => {
    const text = row[column];
    return [field, text == null ? null : kind.read(text, type.replaceAll(/[[\]!]/g, ''))];
  });
  const whole = row.key_int == null ? null : Number(row.key_int);
  return { ...row, id: Number(row.id), key_int: whole, ...Object.fromEntries(fields) };
}

async function rowsOf(client: pg.Client, text: string, values: unknown[]): Promise<TextRow[]> {
  const types = asText as unknown as pg.CustomTypesConfig;
  return (await client.query({ text, values, types })).rows as TextRow[];
}
