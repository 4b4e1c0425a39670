import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const cli = resolve(import.meta.dirname, '../../../bin/next-puff.js');
const golden = join(import.meta.dirname, 'golden');
const connections = join(golden, 'connections.graphql');
const directory = mkdtempSync(join(tmpdir(), 'next-puff-generate-'));
afterAll(() => rmSync(directory, { recursive: true }));

function generate(...args: string[]): { code: number; output: string } {
  try {
    const output = execFileSync(process.execPath, [cli, 'generate', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { code: 0, output };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, output: stdout + stderr };
  }
}

// The types themselves are checked where they are used: in types.ts and prisma-layers.test.ts.
test.each([
  {
    name: 'schema-types.d.ts',
    schema: ['schema.graphql', 'connections.graphql'],
    scalars: ['DateTime=Date'],
  },
  {
    name: 'prisma-layers-types.d.ts',
    schema: ['prisma-layers.graphql'],
    scalars: ['DateTime=Date', 'BigInt=bigint', 'ID=number', 'Decimal=string'],
  },
])('$name is what next-puff generate writes', ({ name, schema, scalars }) => {
  const file = join(directory, name);
  const expected = join(golden, name);
  const paths = schema.map((path) => join(golden, path));
  const args = [...paths, '-o', file, ...scalars.flatMap((scalar) => ['--scalar', scalar])];
  expect(generate(...args)).toMatchObject({ code: 0, output: expect.stringMatching(/^Wrote /) });
  if (process.env.UPDATE_GOLDEN) writeFileSync(expected, readFileSync(file));
  expect(readFileSync(file, 'utf8')).toBe(readFileSync(expected, 'utf8'));
  expect(generate(...args).output).toMatch(/up to date/);
  expect(generate(...paths, '-o', file, '--check')).toMatchObject({
    code: 1,
    output: expect.stringMatching(/not up to date/),
  });
});

test("a module that exports a schema will do, and what it imports by the app's paths", () => {
  const app = join(directory, 'app');
  const library = resolve(import.meta.dirname, '../../../dist/graphql/index.js');
  mkdirSync(join(app, 'graphql'), { recursive: true });
  writeFileSync(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { paths: { '@/*': ['./*'] } } }),
  );
  writeFileSync(
    join(app, 'type-defs.ts'),
    `export const typeDefs: string = 'type Query { a(x: Int!): [Int!] }';`,
  );
  const module = join(app, 'graphql/schema.ts');
  writeFileSync(
    module,
    `import { defineSchema } from ${JSON.stringify(library)};
     import { typeDefs } from '@/type-defs';
     import type { SchemaTypes } from './missing.d.ts';
     export const schema = defineSchema<object, SchemaTypes>({ typeDefs });`,
  );
  const file = join(directory, 'of-module.d.ts');
  expect(generate(module, '--output', file)).toMatchObject({ code: 0 });
  expect(readFileSync(file, 'utf8')).toMatch(
    /readonly x: number;[\s\S]*result: readonly number\[\] \| null;/,
  );
});

test('mistakes are explained', () => {
  expect(generate()).toMatchObject({ code: 2, output: expect.stringMatching(/Which schema/) });
  expect(generate(connections)).toMatchObject({
    code: 2,
    output: expect.stringMatching(/--output/),
  });
  expect(generate('nope.graphql', '-o', 'x')).toMatchObject({
    code: 2,
    output: expect.stringMatching(/no file nope.graphql/),
  });
  expect(generate(connections, '-o', 'x', '--scalar', 'A')).toMatchObject({ code: 2 });
  const empty = join(directory, 'empty.ts');
  writeFileSync(empty, 'export const schema = 1;');
  expect(generate(empty, '-o', 'x').output).toMatch(/exports no schema/);
});
