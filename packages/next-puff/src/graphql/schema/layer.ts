import type { Sql } from '../../postgres/sql.js';
import type { UnawaitedQuery } from '../../prisma/sql/to-sql.js';
import {
  DynamicLayer,
  type LayerCall,
  type LayerOptions,
  type LayerResult,
  StaticLayer,
  type StaticLayerOptions,
  type StaticSymbols,
} from './field-source.js';
import type { SchemaRequest } from './schema-options.js';

/** What a layer may read where no types are known, as in the `extensions` of a graphql-js schema. */
type Named = Readonly<Record<string, unknown>>;

/** Resolves fields for all parents at once; see {@link LayerFunction.static}. */
export interface LayerFunction {
  /**
   * Resolves a field by one call for all parents of a request.
   *
   * The function returns a statement (`sql`, or a Prisma query that was not awaited), which the engine
   * runs, or a value for each parent.
   */
  <Args = Named, Parent = Named, Context = unknown, Result = unknown>(
    resolve: (
      call: LayerCall<Args, Parent, Context>,
    ) => LayerResult<Result> | Promise<LayerResult<Result>>,
    options?: LayerOptions,
  ): DynamicLayer<Args, Parent, Context, Result>;
  /**
   * Resolves a field by one statement for all parents, without JavaScript: the function is called at the
   * start, with symbols for what a request brings.
   *
   * It must make the same statement whatever the values are. What depends on them (a condition on an
   * argument, arithmetic, text that is put together) throws `PUFF_GRAPHQL_NOT_STATIC`; do it in SQL, or
   * use `layer`. Conditions are looked for by calling the function several times with different
   * values.
   */
  static<Args = Named, Parent = Named, Context = Named>(
    statement: (symbols: StaticSymbols<Args, Parent, Context>) => Sql | UnawaitedQuery<unknown>,
    options?: StaticLayerOptions,
  ): StaticLayer<Args, Parent, Context>;
}

/** Says how a field is resolved for all parents at once. */
export const layer: LayerFunction = Object.assign(
  <Args, Parent, Context = SchemaRequest, Result = unknown>(
    resolve: (
      call: LayerCall<Args, Parent, Context>,
    ) => LayerResult<Result> | Promise<LayerResult<Result>>,
    options: LayerOptions = {},
  ) => new DynamicLayer(resolve, options),
  {
    static: <Args, Parent, Context = SchemaRequest>(
      statement: (symbols: StaticSymbols<Args, Parent, Context>) => Sql | UnawaitedQuery<unknown>,
      options: StaticLayerOptions = {},
    ) => new StaticLayer(statement, options),
  },
);
