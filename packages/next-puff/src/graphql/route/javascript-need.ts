import type { GraphQLSchema } from 'graphql';
import type { FieldSpec, SchemaSpec, StatementSpec } from '../schema/spec.js';

/**
 * Says what of a schema JavaScript has to answer at a request, as the end of a sentence; nothing if the
 * engine can answer every operation alone.
 */
export function javaScriptNeed(schema: GraphQLSchema, spec: SchemaSpec): string | undefined {
  if (spec.options.hasSettings) return 'the schema has `settings`';
  const subscription = schema.getSubscriptionType()?.name;
  for (const [coordinate, field] of Object.entries(spec.fields)) {
    // Subscriptions go another way.
    if (coordinate.split('.')[0] === subscription) continue;
    const need = needOf(field);
    if (need !== undefined) return `${coordinate} ${need}`;
  }
  const roots = [schema.getQueryType(), schema.getMutationType()];
  for (const root of roots) {
    for (const field of Object.keys(root?.getFields() ?? {})) {
      const coordinate = `${root?.name}.${field}`;
      if (spec.fields[coordinate] === undefined) return `${coordinate} has no layer`;
    }
  }
  return undefined;
}

function needOf(field: FieldSpec): string | undefined {
  switch (field.kind) {
    case 'column':
      return undefined;
    case 'resolver':
      return 'has a resolver, or a scalar with its own `serialize`';
    case 'layer':
      return 'is a layer that is not static';
    case 'statement':
      return usesContext(field) ? 'uses `context`' : undefined;
    case 'connection': {
      const statements = [field.forward, field.backward, field.total];
      const found = statements.some(
        (statement) => statement !== undefined && usesContext(statement),
      );
      return found ? 'uses `context`' : undefined;
    }
  }
}

function usesContext({ params }: StatementSpec): boolean {
  return params.some((param) => 'context' in param);
}
