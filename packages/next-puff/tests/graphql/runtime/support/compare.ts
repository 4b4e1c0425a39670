import { expect } from '@jest/globals';
import { execute, type GraphQLSchema, parse, validate } from 'graphql';
import { fromGraphQLSchema } from 'next-puff/graphql';

/** An operation that both engines execute. */
export interface Operation {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
  /** Makes the context of one execution. */
  context?: () => unknown;
}

/** The parts of a response that both must agree on; errors may come in any order. */
export interface Response {
  data: unknown;
  errors: string[];
}

/** Executes an operation with graphql-js, and with the engine; both answers must be the same. */
export async function expectSameAnswer(
  schema: GraphQLSchema,
  { query, variables = {}, operationName, context = () => ({}) }: Operation,
): Promise<Response> {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  const expected = comparable(
    await execute({
      schema,
      document,
      variableValues: variables,
      operationName: operationName ?? null,
      contextValue: context(),
    }),
  );
  const puff = fromGraphQLSchema<unknown>(schema, { maskErrors: false, onError: () => {} });
  const answer = await puff.query({
    query,
    variables,
    context: context(),
    ...(operationName === undefined ? {} : { operationName }),
  });
  expect(comparable(answer)).toEqual(expected);
  return expected;
}

function comparable(result: { data?: unknown; errors?: readonly unknown[] | undefined }): Response {
  const { data, errors = [] } = JSON.parse(JSON.stringify(result));
  return { data, errors: errors.map((error: unknown) => JSON.stringify(sorted(error))).sort() };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
