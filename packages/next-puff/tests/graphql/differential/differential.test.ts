/** @jest-environment ./tests/graphql/support/unhandled-rejections.mjs */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { type GraphQLSchema, graphql, printSchema } from 'graphql';
import { engineFor } from '../support/engine.ts';
import { onTheWire } from './compare.ts';
import { withoutDrafts } from './september-2025.ts';
import { shrink } from './shrink.ts';
import { type Comparison, type Executor, World } from './world.ts';

/** How many operations are compared: `PUFF_DIFFERENTIAL=10000 npm test -- differential`. */
const OPERATIONS = Number(process.env.PUFF_DIFFERENTIAL ?? 1_500);
/** The first schema: `PUFF_DIFFERENTIAL_SEED=17` begins with the one that a failure names. */
const SEED = Number(process.env.PUFF_DIFFERENTIAL_SEED ?? 1);
const OPERATIONS_PER_SCHEMA = 30;
/** How many differences are made small and shown. */
const SHOWN = Number(process.env.PUFF_DIFFERENTIAL_SHOWN ?? 3);

/** Marks what the engine under test does: a rejection that it leaves unhandled ends a real process. */
const underTest = new AsyncLocalStorage<true>();
const unhandled: unknown[] = [];

beforeAll(() => {
  withoutDrafts();
  Object.assign(globalThis, {
    onUnhandledRejection(error: unknown) {
      if (underTest.getStore()) unhandled.push(error);
    },
  });
});

interface Tally {
  operations: number;
  clean: number;
  withErrors: number;
  refused: number;
  /** Of the refused ones, those with the very message of graphql-js. */
  sameMessage: number;
  different: number;
  reports: string[];
}

async function compareMany(executorOf: (schema: GraphQLSchema) => Executor): Promise<Tally> {
  const tally: Tally = {
    operations: 0,
    clean: 0,
    withErrors: 0,
    refused: 0,
    sameMessage: 0,
    different: 0,
    reports: [],
  };
  for (let seed = SEED; tally.operations < OPERATIONS; seed++) {
    const world = new World(seed, (schema) => {
      const execute = executorOf(schema);
      return (request, context) => underTest.run(true, () => execute(request, context));
    });
    for (let index = 0; index < OPERATIONS_PER_SCHEMA; index++) {
      const comparison = await world.compare(world.request(index));
      const { reference, response, differences } = comparison;
      tally.operations++;
      if ('data' in reference) {
        if (reference.errors === undefined) tally.clean++;
        else tally.withErrors++;
      } else {
        tally.refused++;
        if (reference.errors?.[0]?.message === response.errors?.[0]?.message) tally.sameMessage++;
      }
      if (differences.length === 0) continue;
      tally.different++;
      if (tally.reports.length < SHOWN) {
        tally.reports.push(
          report(world, await shrink((request) => world.compare(request), comparison)),
        );
      }
    }
  }
  await nextTurn();
  return tally;
}

function report(world: World, { request, reference, response, differences }: Comparison): string {
  return [
    `schema ${world.seed}`,
    request.query.trim(),
    `variables: ${JSON.stringify(request.variables)}, operationName: ${request.operationName}`,
    ...differences,
    `graphql-js: ${JSON.stringify(reference).slice(0, 2_000)}`,
    `the engine: ${JSON.stringify(response).slice(0, 2_000)}`,
    process.env.PUFF_DIFFERENTIAL_SCHEMA ? printSchema(world.schema) : '',
  ].join('\n');
}

test(
  'random operations on random schemas mean the same as in graphql-js',
  async () => {
    const tally = await compareMany(engineFor);
    const { reports, ...numbers } = tally;
    console.info(`differential, seed ${SEED}:`, numbers);
    expect(reports.join('\n\n')).toBe('');
    expect(unhandled).toEqual([]);
    // Each kind of outcome has to occur often, or the comparison says little.
    for (const count of [numbers.clean, numbers.withErrors, numbers.refused]) {
      expect(count).toBeGreaterThan(OPERATIONS / 20);
    }
  },
  Math.max(300_000, OPERATIONS * 100),
);

const FAULTS: { fault: string; change: (response: Response) => object }[] = [
  { fault: 'a value', change: ({ data, ...rest }) => ({ data: { ...data, added: 1 }, ...rest }) },
  { fault: 'no errors', change: ({ data }) => ({ data }) },
  {
    fault: 'an error twice',
    change: ({ data, errors }) => ({ data, errors: [...errors, errors[0]] }),
  },
  { fault: 'another message', change: (it) => withFirst(it, { message: 'other' }) },
  {
    fault: 'another place in the document',
    change: (it) => withFirst(it, { locations: [{ line: 99, column: 1 }] }),
  },
  { fault: 'another path', change: (it) => withFirst(it, { path: ['nowhere'] }) },
];

test.each(FAULTS)('the comparison sees $fault', async ({ change }) => {
  let changed = 0;
  const world = new World(1, (schema) => async (request, contextValue) => {
    const { query: source, variables: variableValues, operationName } = request;
    const result = await graphql({ schema, source, variableValues, operationName, contextValue });
    if (result.data == null || result.errors === undefined) return result;
    changed++;
    return change(onTheWire(result) as Response);
  });
  for (let index = 0; changed === 0; index++) {
    const { differences } = await world.compare(world.request(index));
    expect(differences.length > 0).toBe(changed > 0);
  }
});

interface Response {
  data: Record<string, unknown>;
  errors: object[];
}

function withFirst({ data, errors }: Response, change: object): object {
  return { data, errors: errors.map((it, index) => (index === 0 ? { ...it, ...change } : it)) };
}
