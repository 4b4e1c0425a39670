import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type GraphQLSchema, graphql, parse } from 'graphql';
import type { PuffSchema } from 'next-puff/graphql';
import pg from 'pg';
import { testServer } from '../../postgres/support/server.ts';
import { Random, seedOf } from '../support/random.ts';
import { differences, onTheWire, PossibleErrors } from './compare.ts';
import { type OperationRequest, randomOperation } from './random-operation.ts';
import { ResponseTypes } from './response-types.ts';
import { withoutDrafts } from './september-2025.ts';
import { type Difference, shrink } from './shrink.ts';
import { randomTables, sdlOf, type TableModel, tableStatements } from './sql-model.ts';
import { layerSchema, referenceSchema } from './sql-schemas.ts';
import { answered } from './world.ts';

/** How many operations are compared; `PUFF_DIFFERENTIAL` is for both families of schemas. */
const OPERATIONS = Math.ceil(Number(process.env.PUFF_DIFFERENTIAL ?? 1_500) / 3);
const SEED = Number(process.env.PUFF_DIFFERENTIAL_SEED ?? 1);
const OPERATIONS_PER_SCHEMA = 25;
const SHOWN = Number(process.env.PUFF_DIFFERENTIAL_SHOWN ?? 3);

const server = testServer();
let client: pg.Client;

beforeAll(async () => {
  withoutDrafts();
  client = new pg.Client({ connectionString: server.url, options: '-c timezone=UTC' });
  client.on('error', () => {}); // the server is stopped first
  await client.connect();
  await client.query(`create type mood as enum ('HAPPY', 'SAD', 'SO_SO')`);
});
afterAll(() => client?.end());

interface TableWorld {
  readonly tables: readonly TableModel[];
  readonly reference: GraphQLSchema;
  readonly twin: GraphQLSchema;
  readonly engine: PuffSchema<unknown>;
}

async function tableWorld(seed: number): Promise<TableWorld> {
  const tables = randomTables(seed);
  for (const { text, values } of tableStatements(tables, seed)) await client.query(text, values);
  return {
    tables,
    reference: referenceSchema(tables, client),
    twin: referenceSchema(tables, client, true),
    engine: layerSchema(tables, client),
  };
}

interface Outcome extends Difference {
  readonly bytes: number;
  readonly hasErrors: boolean;
  readonly texts: readonly string[];
}

async function compare(world: TableWorld, request: OperationRequest): Promise<Outcome> {
  const { query: source, variables: variableValues, operationName } = request;
  const ask = { source, variableValues, operationName };
  const expected = onTheWire(await graphql({ schema: world.reference, ...ask }));
  let possible: PossibleErrors | undefined;
  if (expected.errors !== undefined && 'data' in expected) {
    const twin = onTheWire(await graphql({ schema: world.twin, ...ask }));
    const types = new ResponseTypes(world.reference, parse(source), operationName);
    possible = new PossibleErrors(twin, types);
  }
  const response = onTheWire(
    await answered(
      world.engine.query({ query: source, variables: variableValues, operationName, context: {} }),
    ),
  );
  const found = differences(expected, response, possible, source);
  const text = JSON.stringify(expected);
  return {
    request,
    bytes: text.length,
    hasErrors: expected.errors !== undefined,
    differences: found,
    texts: [
      `graphql-js: ${text.slice(0, 1_500)}`,
      `the engine: ${JSON.stringify(response).slice(0, 1_500)}`,
    ],
  };
}

test(
  'layers over tables give what resolvers over the same tables give',
  async () => {
    const tally = { operations: 0, withErrors: 0, bytes: 0, different: 0 };
    const reports: string[] = [];
    for (let seed = SEED; tally.operations < OPERATIONS; seed++) {
      const world = await tableWorld(seed);
      for (let index = 0; index < OPERATIONS_PER_SCHEMA; index++) {
        const random = new Random(seedOf(seed, 'tables', index));
        const request = randomOperation(random, world.reference);
        const outcome = await compare(world, request);
        tally.operations++;
        tally.bytes += outcome.bytes;
        if (outcome.hasErrors) tally.withErrors++;
        if (outcome.differences.length === 0) continue;
        tally.different++;
        if (reports.length >= SHOWN) continue;
        const small = await shrink((it) => compare(world, it), outcome);
        const { query, variables } = small.request;
        const told = [...small.differences, ...small.texts].join('\n');
        reports.push(`tables ${seed}\n${query}\n${JSON.stringify(variables)}\n${told}`);
        if (process.env.PUFF_DIFFERENTIAL_SCHEMA) {
          reports.push(sdlOf(world.tables), JSON.stringify(world.tables));
        }
      }
    }
    console.info(`differential over tables, seed ${SEED}:`, tally);
    expect(reports.join('\n\n')).toBe('');
    // Most answers have rows in them, or the comparison says little.
    expect(tally.bytes / tally.operations).toBeGreaterThan(300);
  },
  Math.max(300_000, OPERATIONS * 200),
);
