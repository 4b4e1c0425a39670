import {
  __Directive,
  __DirectiveLocation,
  __Schema,
  DirectiveLocation,
  GraphQLDeprecatedDirective,
} from 'graphql';

/** The location that drafts added for directives on directives. */
const DRAFT_LOCATION = 'DIRECTIVE_DEFINITION';

/**
 * Takes out of graphql-js what the specification of September 2025 does not have: directives that can
 * be deprecated.
 */
export function withoutDrafts(): void {
  const fields = __Directive.getFields();
  delete fields.isDeprecated;
  delete fields.deprecationReason;
  for (const field of Object.values(__Schema.getFields())) {
    field.args = field.args.filter((it) => it.name !== 'includeDeprecated');
  }
  const locations = __DirectiveLocation.getValues() as unknown as { name: string }[];
  const at = locations.findIndex((it) => it.name === DRAFT_LOCATION);
  if (at !== -1) locations.splice(at, 1);
  GraphQLDeprecatedDirective.locations = GraphQLDeprecatedDirective.locations.filter(
    (it: string) => it !== DRAFT_LOCATION && it in DirectiveLocation,
  );
}
