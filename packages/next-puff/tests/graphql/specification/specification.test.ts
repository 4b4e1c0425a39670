import { expect, test } from '@jest/globals';
import { graphql } from 'graphql';
import { engineFor } from '../support/engine.ts';
import {
  type Expected,
  type ExpectedError,
  type SpecificationCase,
  specificationCases,
} from './cases.ts';
import { type CaseContext, caseSchema } from './schema.ts';

const cases = specificationCases();
const schema = caseSchema();
const execute = engineFor(schema);
const context = (): CaseContext => ({ counter: 0 });

test.each(cases)('$name', async ({ expected, ...request }) => {
  expect(comparable(await execute(request, context()))).toEqual(comparable(expected));
});

test.each(cases)('$name is what graphql-js answers', async ({ expected, query, ...request }) => {
  const { variables: variableValues, operationName } = request;
  const ask = { schema, source: query, variableValues, operationName, contextValue: context() };
  expect(comparable(await graphql(ask))).toEqual(comparable(expected));
});

/** The response with its errors in an order, and the order of keys made visible. */
function comparable(response: object): object {
  const { data, errors } = JSON.parse(JSON.stringify(response)) as Expected;
  // How many errors refuse a request, and in which words, is not the specification's matter.
  if (data === undefined) return { isRefused: (errors?.length ?? 0) > 0 };
  return {
    data,
    order: JSON.stringify(data),
    ...(errors === undefined ? {} : { errors: errors.map(described).sort() }),
  };
}

function described({ path, message, locations, extensions }: ExpectedError): string {
  // Nor is the place of an error about an argument: the field or the value.
  const isArgument = message.startsWith('Argument "');
  return JSON.stringify(isArgument ? { path, message } : { path, message, locations, extensions });
}

test('there are cases of every section', () => {
  const sections = new Set(cases.map((it: SpecificationCase) => it.name.split('/')[0]));
  expect([...sections].sort()).toEqual([
    '6.1-executing-requests',
    '6.1.2-coercing-variables',
    '6.2-executing-operations',
    '6.3-selection-sets',
    '6.4.1-arguments',
    '6.4.3-value-completion',
    '6.4.4-errors',
    '7-response',
  ]);
});
