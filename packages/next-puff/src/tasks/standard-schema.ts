/**
 * What libraries of schemas have in common (https://standardschema.dev, version 1), as far as it is used: zod, Valibot,
 * ArkType and others.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>;
    /** Only for the compiler. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. */
export type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** Something that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type TypesOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>;
/** What a schema takes. */
export type SchemaInput<Schema extends StandardSchema> = TypesOf<Schema>['input'];
/** What a schema makes of it. */
export type SchemaOutput<Schema extends StandardSchema> = TypesOf<Schema>['output'];

/** One line per issue: where, and what. */
export function describeIssues(issues: readonly SchemaIssue[], name: string): string {
  return issues
    .map(({ message, path = [] }) => {
      const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
      return `${[name, ...keys.map(String)].join('.')}: ${message}`;
    })
    .join('\n');
}
