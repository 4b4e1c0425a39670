import type { GraphQLFieldResolver } from 'graphql';
import type { ColumnField, ConnectionField, DynamicLayer, StaticLayer } from './field-source.js';
import type { SubscriptionField } from './subscribe.js';

/** What is known of a field: its arguments, and what a layer may return for one parent. */
export interface FieldTypes {
  readonly args: object;
  readonly result: unknown;
}

/** What is known of an object type: its columns as layers below see them, and its fields. */
export interface ObjectTypes {
  readonly parent: object;
  /** By name; each as {@link FieldTypes}. */
  readonly fields: object;
}

/** The object types of a schema by name; `next-puff generate` writes them. */
export type SchemaTypes<Types> = { readonly [Type in keyof Types]: ObjectTypes };

/** The types of a schema of which nothing is known. */
export interface UntypedSchema {
  readonly [type: string]: ObjectTypes;
}

/** Fits wherever a static layer puts it: the database alone knows its type. */
type Unknowable = { readonly [name: string]: never };

/** What can resolve a field of which nothing is known. */
type UntypedLayer<Context> =
  | StaticLayer<Unknowable, Unknowable, Context>
  | DynamicLayer<Readonly<Record<string, unknown>>, Record<string, unknown>, Context, unknown>
  | ConnectionField<Unknowable, Unknowable, Context>
  | SubscriptionField<Readonly<Record<string, unknown>>, Context, unknown>
  | ColumnField;

/** What can resolve a field. */
type LayerOf<Parent, Field, Context> = Field extends FieldTypes
  ?
      | StaticLayer<Field['args'], Parent, Context>
      | DynamicLayer<Field['args'], Parent, Context, Field['result']>
      | ConnectionField<Field['args'], Parent, Context>
      | SubscriptionField<Field['args'], Context, Field['result']>
      | ColumnField
  : never;

/** The layers of a schema, by type and field. */
export type LayersOf<Types extends SchemaTypes<Types>, Context> = string extends keyof Types
  ? { readonly [type: string]: { readonly [field: string]: UntypedLayer<Context> } }
  : {
      readonly [Type in keyof Types]?: {
        readonly [Field in keyof Types[Type]['fields']]?: LayerOf<
          Types[Type]['parent'],
          Types[Type]['fields'][Field],
          Context
        >;
      };
    };

/** The resolvers of a schema, by type and field. */
export type ResolversOf<Context> = {
  readonly [type: string]: {
    readonly [field: string]:
      | GraphQLFieldResolver<never, Context, never>
      | {
          readonly resolve?: GraphQLFieldResolver<never, Context, never>;
          readonly subscribe?: GraphQLFieldResolver<never, Context, never>;
        }
      | ((value: never, context: Context) => unknown)
      | string
      | number
      | boolean;
  };
};
