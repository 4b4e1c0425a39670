import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a case says about the response. */
export interface Expected {
  data?: unknown;
  /** In any order. */
  errors?: ExpectedError[];
}

export interface ExpectedError {
  message: string;
  locations?: { line: number; column: number }[];
  path?: (string | number)[];
  extensions?: object;
}

/**
 * A case: `<name>.graphql` is the document, `<name>.expected.json` the response, `<name>.json` the
 * variables and the name of the operation, where there are any.
 */
export interface SpecificationCase {
  readonly name: string;
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName: string | undefined;
  readonly expected: Expected;
}

const DIRECTORY = join(import.meta.dirname, 'cases');

/** The section whose cases have several responses; `subscription.test.ts` reads them. */
const SUBSCRIPTION = '6.2.3-subscription';

/** All cases, by section of the specification (September 2025). */
export function specificationCases(): SpecificationCase[] {
  const files = readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' });
  const isOurs = (it: string) => it.endsWith('.graphql') && !it.startsWith(SUBSCRIPTION);
  const documents = files.filter(isOurs).sort();
  return documents.map((file) => {
    const name = file.replace(/\.graphql$/, '');
    const path = join(DIRECTORY, name);
    const request = existsSync(`${path}.json`) ? readJson(`${path}.json`) : {};
    const { variables = {}, operationName } = request as Partial<SpecificationCase>;
    const query = readFileSync(`${path}.graphql`, 'utf8');
    const expected = readJson(`${path}.expected.json`) as Expected;
    return { name, query, variables, operationName, expected };
  });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
