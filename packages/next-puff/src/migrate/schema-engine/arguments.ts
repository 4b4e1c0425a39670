import { parseArgs } from 'node:util';

/** The `datasource` of the Prisma config, as the CLI hands it to the engine. */
export interface Datasource {
  url?: string;
  shadowDatabaseUrl?: string;
}

/** The command line with which Prisma starts its schema engine. */
export interface EngineArguments {
  datasource: Datasource;
  /** Paths of the Prisma schema files. */
  schemaFiles: string[];
  /** What follows `cli`: do this one thing with the database, then end. Without it: serve JSON-RPC. */
  command: string | undefined;
}

/** Reads the command line of the schema engine. */
export function readArguments(args: string[]): EngineArguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      datasource: { type: 'string' },
      datamodels: { type: 'string', multiple: true },
      // The WebAssembly engine takes neither; both are written in the schema, too.
      'enabled-preview-features': { type: 'string' },
      'extension-types': { type: 'string' },
    },
  });
  return {
    datasource: JSON.parse(values.datasource ?? '{}') as Datasource,
    schemaFiles: values.datamodels ?? [],
    command: positionals[0] === 'cli' ? positionals[1] : undefined,
  };
}
