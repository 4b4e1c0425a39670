import { describe, expect, test } from '@jest/globals';
import {
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import { animalSchema } from './support/animals.ts';
import { expectSameAnswer, type Operation } from './support/compare.ts';
import { nexusSchema, pothosSchema } from './support/library.ts';

describe('a schema of type definitions and resolvers answers as with graphql-js', () => {
  const schema = animalSchema();
  const operations: Record<string, Operation> = {
    'properties of class instances': { query: '{ items { id n } }' },
    'resolvers, methods and paths below lists': {
      query: `{
        items(n: 2) { self { late { place } } place method b: method(times: 5) pairs { place n } }
        one { place }
        nested { place n }
        place2: one { place }
      }`,
      context: () => ({ name: 'context' }),
    },
    'null in a non-null field of an object in a list': { query: '{ items { strict } }' },
    'null in a non-null field of an object that may be null': {
      query: '{ one { id strict } items(n: 1) { self { strict } } nested { strict } }',
    },
    'enums with values of their own, custom scalars, lists of lists': {
      query: '{ items(n: 3) { role since matrix } }',
    },
    'an interface, its types, and everything that is none of them': {
      query: `
        { animals { __typename name ... on Dog { barks friends { name __typename } } ...CatFields } }
        fragment CatFields on Cat { meows }`,
    },
    'a union with a promise for its type': {
      query: '{ pets { __typename ... on Animal { name } ... on Dog { barks } } }',
    },
    'the same field with different sub-fields': {
      query: '{ one { self { id } self { n } ... on Item { self { role } } } }',
    },
    'arguments: defaults, enums and scalars inside input objects': {
      query: `query ($filter: Filter, $role: Role = USER) {
        echo(filter: $filter, role: $role)
        literal: echo(filter: { role: USER, since: "2020-01-01", numbers: 4 })
        none: echo
        null: echo(filter: null, role: null)
      }`,
      variables: { filter: { since: '2021-01-01T00:00:00Z' } },
    },
    'an input object with one field': {
      query: 'query ($id: ID!) { chosen(choice: { id: $id }) }',
      variables: { id: 5 },
    },
    'skip and include': {
      query: `query ($yes: Boolean!, $no: Boolean = false) {
        one @skip(if: $yes) { id }
        items @include(if: $yes) { n ...F @include(if: $no) ... @skip(if: $no) { role } }
      }
      fragment F on Item { id }`,
      variables: { yes: true },
    },
    'one of two operations': {
      query: 'query A { one { id } } query B { one { n alias: id } }',
      operationName: 'B',
    },
    'mutations one after another': {
      query: 'mutation { a: add(n: 1) b: add(n: 2) c: add(n: 3) }',
    },
    'a mutation that ends the others': { query: 'mutation { add(n: 1) fail }' },
    'introspection of what runs': {
      query: '{ __type(name: "Choice") { name isOneOf inputFields { name } } __typename }',
    },
  };
  test.each(Object.entries(operations))('%s', async (_name, operation) => {
    await expectSameAnswer(schema, operation);
  });

  const alone = [
    'holes',
    'innerHoles',
    'fraction',
    'notIterable',
    'nothing',
    'any',
    'thrown',
    'public',
    'promises',
    'notAnError',
    'lateNull { id }',
    'rejected { id }',
    'undefined',
    'fromContext',
    'set',
    'wrongType { __typename }',
    'noType { name }',
    'texts',
  ];
  test.each(alone)('{ %s }', async (field) => {
    await expectSameAnswer(schema, { query: `{ ${field} }`, context: () => ({ name: 'c' }) });
  });

  test('all of that at once', async () => {
    const nullable = alone.filter((field) => !/notAnError|lateNull/.test(field));
    const { errors } = await expectSameAnswer(schema, { query: `{ ${nullable.join(' ')} }` });
    expect(errors.length).toBeGreaterThan(8);
  });
});

describe('a schema of Pothos answers as with graphql-js', () => {
  const schema = pothosSchema();
  const context = () => ({ user: 'Me' });
  test.each([
    '{ books { id title pages author { name level reader books { title author { id } } } } }',
    '{ books { id mustHavePages } }',
    '{ books(title: "4") { pages mustHavePages } }',
    '{ books(level: Master) { author { level } } }',
    'mutation { lend(id: 3) { title } missing: lend(id: "nine") { title } }',
  ])('%s', async (query) => {
    await expectSameAnswer(schema, { query, context });
  });
});

describe('a schema of Nexus answers as with graphql-js', () => {
  const schema = nexusSchema();
  test.each([
    '{ books { id title pages author { name level books { title } } } }',
    '{ books(title: "4") { mustHavePages } }',
    '{ named { __typename name ... on Author { level } } }',
  ])('%s', async (query) => {
    await expectSameAnswer(schema, { query });
  });
});

test('a schema made by hand: isTypeOf, promises in it, types that are wrong', async () => {
  const Shape = new GraphQLInterfaceType({ name: 'Shape', fields: { area: { type: GraphQLInt } } });
  const shape = (
    name: string,
    isTypeOf: (value: { r?: number; side?: number }) => boolean | Promise<boolean>,
  ) =>
    new GraphQLObjectType({
      name,
      interfaces: [Shape],
      isTypeOf,
      fields: { area: { type: GraphQLInt }, own: { type: GraphQLString, resolve: () => name } },
    });
  const Circle = shape('Circle', ({ r }) => r !== undefined);
  const Square = shape('Square', async ({ side }) => side !== undefined);
  const values = [{ r: 1, area: 3 }, { side: 2, area: 4 }, {}, { r: 0, area: '5' }];
  const schema = new GraphQLSchema({
    types: [Circle, Square],
    query: new GraphQLObjectType({
      name: 'Root',
      fields: {
        shapes: { type: new GraphQLList(Shape), resolve: () => values },
        circles: { type: new GraphQLList(new GraphQLNonNull(Circle)), resolve: () => values },
        squares: { type: new GraphQLList(Square), resolve: () => values },
      },
    }),
  });
  await expectSameAnswer(schema, {
    query: '{ shapes { __typename area } circles { area } squares { own ... on Shape { area } } }',
  });
});
