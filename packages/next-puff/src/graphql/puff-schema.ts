import { type GraphQLSchema, printSchema } from 'graphql';
import { PuffError } from '../errors.js';
import { DEFAULT_POOL } from '../postgres/database.js';
import {
  type CompiledFields,
  compileFields,
  type PrismaStatements,
} from './schema/compile-fields.js';
import type { DynamicLayer } from './schema/field-source.js';
import { optionsSpec, type SchemaOptions, schemaRequest } from './schema/schema-options.js';
import type { SchemaSpec } from './schema/spec.js';

/** What a schema is made of. */
export interface PuffSchemaParts<Context> {
  /** The types, with resolvers; layers are in `extensions.puff` of their fields. */
  graphqlSchema: GraphQLSchema;
  /** The types in the schema definition language; printed from `graphqlSchema` if not given. */
  sdl?: string;
  options?: SchemaOptions<Context>;
}

/** A schema that the engine executes; `defineSchema` and `fromGraphQLSchema` make them. */
export class PuffSchema<Context = unknown> {
  /** The types, as graphql-js knows them. */
  readonly graphqlSchema: GraphQLSchema;
  readonly options: SchemaOptions<Context>;
  /** The layers that JavaScript resolves, by coordinate. */
  readonly layers: ReadonlyMap<string, DynamicLayer>;
  /** The name of the pool that statements run on. */
  readonly pool: string;
  readonly #sdl: string;
  readonly #fields: CompiledFields;
  #spec: SchemaSpec | undefined;
  #preparing: Promise<this> | undefined;

  /**
   * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` and `PUFF_GRAPHQL_NOT_STATIC` for fields that cannot be
   * resolved as they say
   */
  constructor({ graphqlSchema, sdl, options = {} }: PuffSchemaParts<Context>) {
    this.graphqlSchema = graphqlSchema;
    this.options = options;
    this.pool = options.pool ?? DEFAULT_POOL;
    this.#sdl = sdl ?? printSchema(graphqlSchema);
    this.#fields = compileFields(graphqlSchema);
    this.layers = this.#fields.layers;
    if (!this.#fields.usesPrisma) this.#finish(undefined);
  }

  /**
   * The schema as the engine reads it.
   *
   * @throws {PuffError} `PUFF_GRAPHQL_NOT_PREPARED` when static layers are Prisma queries, and
   * {@link prepare} has not been awaited
   */
  get spec(): SchemaSpec {
    if (this.#spec !== undefined) return this.#spec;
    throw new PuffError('PUFF_GRAPHQL_NOT_PREPARED', 'The schema has not been prepared yet.', {
      operation: 'graphql',
      hint: 'Call `await schema.prepare()` first: it makes statements of the Prisma queries.',
    });
  }

  /**
   * Makes the schema ready: turns the Prisma queries of static layers into statements. Executing does
   * it too; call it where the program starts to see faults there. Opens no connection.
   *
   * @throws {PuffError} as the constructor does, and `PUFF_PRISMA_NOT_SQL` for queries that are more
   * than one statement
   */
  prepare(): Promise<this> {
    this.#preparing ??= this.#prepare().catch((error: unknown) => {
      this.#preparing = undefined;
      throw error;
    });
    return this.#preparing;
  }

  async #prepare(): Promise<this> {
    const { prisma = [] } = this.options;
    const clients = Array.isArray(prisma) ? prisma : [prisma];
    if (clients.length > 0) {
      const { toSql } = await import('../prisma/sql/to-sql.js');
      await Promise.all(clients.map((client) => toSql.prepare(client)));
    }
    if (this.#spec === undefined) this.#finish(await import('./schema/prisma-statement.js'));
    return this;
  }

  #finish(prisma: PrismaStatements | undefined): void {
    this.#spec = {
      sdl: this.#sdl,
      fields: this.#fields.finish(prisma),
      options: optionsSpec(this.options),
    };
  }

  /** The context of an operation for a request, or for none. */
  async contextOf(request?: Request): Promise<Context> {
    const asked = schemaRequest(request);
    // Without the option, Context is SchemaRequest.
    return this.options.context === undefined
      ? (asked as Context)
      : await this.options.context(asked);
  }

  /** The run-time parameters of an operation with this context. */
  async settingsOf(context: Context): Promise<Readonly<Record<string, string>>> {
    return (await this.options.settings?.(context)) ?? {};
  }
}
