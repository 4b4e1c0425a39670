import {
  GraphQLError,
  type GraphQLFormattedError,
  type OperationDefinitionNode,
  Source,
  type SourceLocation,
} from 'graphql';

/**
 * Makes the error that plugins see of one in a response.
 *
 * @param text the document
 * @param operation Apollo tells errors of variables by their nodes; nothing when none was chosen
 */
export function errorOfJson(
  { message, locations, path, extensions }: GraphQLFormattedError,
  text: string,
  operation: OperationDefinitionNode | undefined,
): GraphQLError {
  const variable = path === undefined && operation && variableNamedIn(message, operation);
  if (variable) {
    return new GraphQLError(message, { nodes: variable, extensions });
  }
  return new GraphQLError(message, {
    source: locations === undefined ? undefined : new Source(text),
    positions: locations?.map((location) => positionOf(location, text)),
    path,
    extensions,
  });
}

function variableNamedIn(message: string, { variableDefinitions }: OperationDefinitionNode) {
  const [, name] = /^Variable "\$(\w+)"/.exec(message) ?? [];
  return variableDefinitions?.find((definition) => definition.variable.name.value === name);
}

function positionOf({ line, column }: SourceLocation, text: string): number {
  const breaks = /\r\n|[\n\r]/g;
  let start = 0;
  for (let current = 1; current < line; current++) {
    if (breaks.exec(text) === null) break;
    start = breaks.lastIndex;
  }
  return start + column - 1;
}
