import { ConnectionField, type ConnectionOptions } from './field-source.js';
import type { SchemaRequest } from './schema-options.js';

/**
 * A Relay connection over the rows of a query (GraphQL Cursor Connections Specification), without
 * JavaScript.
 *
 *     questions: connection({
 *       rows: ({ args }) => sql`select * from question where text ilike ${args.search}`,
 *       orderBy: [{ column: 'created_at', direction: 'desc' }, 'id'],
 *     })
 *
 * `rows` is called once at the start, like a static layer. The engine asks for one row more than a page
 * has, from the cursor on by comparison of the order's columns: pages stay right while rows are added,
 * and an index on these columns makes late pages as fast as early ones. `totalCount`, where the
 * type has it, is counted only when it is asked for.
 */
export function connection<Args, Parent, Context = SchemaRequest>(
  options: ConnectionOptions<Args, Parent, Context>,
): ConnectionField<Args, Parent, Context> {
  return new ConnectionField(options);
}

/** `first`, `after`, `last` and `before`, for the arguments of a connection field in SDL. */
export const connectionArguments = 'first: Int, after: String, last: Int, before: String';

/**
 * The types of connections over the named types in the schema definition language: `QuestionConnection`,
 * `QuestionEdge`, and once `PageInfo`. Call it once, with all names.
 */
export function connectionTypes(...names: string[]): string {
  return [PAGE_INFO, ...names.map(typesOf)].join('\n');
}

const PAGE_INFO = `"About a page of a connection."
type PageInfo {
  "Whether there are more edges after this page."
  hasNextPage: Boolean!
  "Whether there are more edges before this page."
  hasPreviousPage: Boolean!
  "The cursor of the first edge."
  startCursor: String
  "The cursor of the last edge."
  endCursor: String
}
`;

function typesOf(name: string): string {
  return `"A page of ${name}."
type ${name}Connection {
  edges: [${name}Edge!]!
  nodes: [${name}!]!
  pageInfo: PageInfo!
  "How many there are on all pages."
  totalCount: Int!
}

"One ${name} of a page."
type ${name}Edge {
  cursor: String!
  node: ${name}!
}
`;
}
