import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { GraphQLSchema } from 'graphql';
import type { CliCommand } from './command.js';
import { UsageError } from './usage-error.js';

const SDL = new Set(['.graphql', '.graphqls', '.gql']);

/** `next-puff generate`. */
export const generate: CliCommand = {
  name: 'generate',
  summary: "write the TypeScript types of a GraphQL schema's arguments and parents",
  help: `Usage: next-puff generate <schema...> --output <file.d.ts> [--scalar Name=type]... [--check]

Writes the interface SchemaTypes, so that the layers of \`defineSchema<Context, SchemaTypes>\` know the types
of their arguments, of the columns of their parents and of what they return.

A schema is a file of type definitions (.graphql, several are put together), or a module that exports
what defineSchema returned.

Options
  -o, --output <file>      where to write; a file that is the same already is left alone
      --scalar Name=type   what a custom scalar is in JavaScript, for example DateTime=Date; without it
                           its values are unknown. ID=number says what columns of the type ID are.
      --check              write nothing; exit code 1 when the file is not up to date

Examples
  next-puff generate schema.graphql -o src/graphql/schema-types.d.ts
  next-puff generate src/graphql/schema.ts -o src/graphql/schema-types.d.ts --scalar DateTime=string
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o' },
        scalar: { type: 'string', multiple: true },
        check: { type: 'boolean' },
      },
    });
    const { output, scalar = [], check = false } = values;
    if (positionals.length === 0) {
      throw new UsageError(
        'Which schema?',
        'next-puff generate schema.graphql -o schema-types.d.ts',
      );
    }
    if (output === undefined) {
      throw new UsageError('Where are the types to be written?', 'Give --output <file.d.ts>.');
    }
    const scalars = Object.fromEntries(scalar.map(readScalar));
    const { typeDeclarations } = await import('../graphql/schema/type-declarations.js');
    const text = typeDeclarations(await readSchema(positionals), scalars);
    const file = resolve(output);
    const name = relative(process.cwd(), file);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) {
      process.stdout.write(`${name} is up to date.\n`);
      return 0;
    }
    if (check) {
      process.stdout.write(`${name} is not up to date: run \`next-puff generate\`.\n`);
      return 1;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`Wrote ${name}.\n`);
    return 0;
  },
};

function readScalar(text: string): [name: string, type: string] {
  const [, name, type] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && type !== undefined) return [name, type];
  throw new UsageError(`--scalar ${text} has no type.`, 'Write --scalar DateTime=Date.');
}

async function readSchema(files: readonly string[]): Promise<GraphQLSchema> {
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new UsageError(`There is no file ${missing}.`, 'Paths are relative to this directory.');
  }
  const modules = files.filter((file) => !SDL.has(extname(file)));
  const [module] = modules;
  if (module === undefined) {
    const { defineSchema } = await import('../graphql/schema/define-schema.js');
    return defineSchema({ typeDefs: files.map((file) => readFileSync(file, 'utf8')) })
      .graphqlSchema;
  }
  if (files.length > 1) {
    throw new UsageError(
      'A module is a whole schema.',
      'Give one module, or several files of type definitions.',
    );
  }
  return schemaOf(module);
}

/** The schema that a module exports. */
async function schemaOf(file: string): Promise<GraphQLSchema> {
  const { createJiti } = await import('jiti');
  const path = resolve(file);
  // Next.js apps import by the paths of their tsconfig.json (`@/*`).
  const jiti = createJiti(pathToFileURL(path).href, { interopDefault: true, tsconfigPaths: true });
  const exported = await jiti.import<Record<string, unknown>>(path);
  for (const value of Object.values(exported)) {
    const { graphqlSchema } = (value ?? {}) as { graphqlSchema?: GraphQLSchema };
    if (typeof graphqlSchema?.getTypeMap === 'function') return graphqlSchema;
  }
  throw new UsageError(
    `${file} exports no schema.`,
    'Export what defineSchema or fromGraphQLSchema returned: `export const schema = defineSchema(...)`.',
  );
}
