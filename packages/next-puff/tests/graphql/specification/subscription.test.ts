import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse, subscribe, validate } from 'graphql';
import { fromGraphQLSchema } from 'next-puff/graphql';
import { type SubscriptionContext, subscriptionSchema } from './subscription-schema.ts';

// GraphQL specification (September 2025), section 6.2.3 "Subscription".

/**
 * What a case says: all responses in their order, or that there is none because the request is refused.
 * One that fails is `{ "fails": message }`: the source did, and it is the last.
 */
interface Expected {
  responses?: object[];
  isRefused?: true;
}

interface Case {
  name: string;
  query: string;
  variables: Record<string, unknown>;
  operationName: string | undefined;
  expected: Expected;
}

const DIRECTORY = join(import.meta.dirname, 'cases', '6.2.3-subscription');
const read = (file: string) => readFileSync(join(DIRECTORY, file), 'utf8');

const cases: Case[] = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith('.graphql'))
  .map((file) => {
    const name = file.replace(/\.graphql$/, '');
    const request = existsSync(join(DIRECTORY, `${name}.json`))
      ? JSON.parse(read(`${name}.json`))
      : {};
    const { variables = {}, operationName } = request;
    const expected = JSON.parse(read(`${name}.expected.json`));
    return { name, query: read(file), variables, operationName, expected };
  });

const graphqlSchema = subscriptionSchema();
const engine = fromGraphQLSchema<SubscriptionContext>(graphqlSchema, {
  maskErrors: false,
  introspection: true,
  onError: () => {},
});

test.each(cases)('$name', async ({ query, variables, operationName, expected }) => {
  const context = { contexts: 0 };
  const responses: { data?: unknown; errors?: readonly { message: string; path?: unknown }[] }[] =
    [];
  for await (const response of await engine.subscribe({
    query,
    variables,
    operationName,
    context,
  })) {
    responses.push(response);
  }
  const [first] = responses;
  const isRefused =
    first !== undefined && !('data' in first) && first.errors?.[0]?.path === undefined;
  if (expected.isRefused) {
    expect(isRefused).toBe(true);
    return;
  }
  expect(responses).toEqual(
    expected.responses?.map((response) =>
      'fails' in response
        ? { errors: [expect.objectContaining({ message: response.fails })] }
        : response,
    ),
  );
});

test.each(cases)(
  '$name is what graphql-js answers',
  async ({ query, variables, operationName, expected }) => {
    expect(await graphqlJs({ query, variables, operationName })).toEqual(expected);
  },
);

async function graphqlJs({
  query,
  variables,
  operationName,
}: Omit<Case, 'name' | 'expected'>): Promise<Expected> {
  const document = parse(query);
  if (validate(graphqlSchema, document).length > 0) return { isRefused: true };
  const result = await subscribe({
    schema: graphqlSchema,
    document,
    variableValues: variables,
    operationName,
    contextValue: { contexts: 0 },
  });
  if (!(Symbol.asyncIterator in result)) {
    const isField = result.errors?.[0]?.path !== undefined;
    return isField ? { responses: [plain(result)] } : { isRefused: true };
  }
  const responses: object[] = [];
  try {
    for await (const response of result) responses.push(plain(response));
  } catch (error) {
    responses.push({ fails: (error as Error).message });
  }
  return { responses };
}

function plain(value: object): object {
  return JSON.parse(JSON.stringify(value));
}

test('conditions at the root are refused, as the September 2025 edition has it', async () => {
  for (const query of [
    'subscription { count(to: 1) @skip(if: false) }',
    'subscription ($yes: Boolean = true) { ... @include(if: $yes) { count(to: 1) } }',
  ]) {
    const responses = await engine.subscribe(query);
    const { value } = await responses.next();
    expect(value).toEqual({
      errors: [expect.objectContaining({ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } })],
    });
    expect(await responses.next()).toEqual({ value: undefined, done: true });
  }
});
