import { type ASTNode, BREAK, Kind, parse, print, visit } from 'graphql';
import type { OperationRequest } from './random-operation.ts';

/** A request that is executed both ways, and how the responses differ. */
export interface Difference {
  readonly request: OperationRequest;
  readonly differences: readonly string[];
}

/** Lists of a document from which entries may be left out. */
const LISTS = {
  [Kind.DOCUMENT]: ['definitions'],
  [Kind.SELECTION_SET]: ['selections'],
  [Kind.FIELD]: ['directives', 'arguments'],
  [Kind.FRAGMENT_SPREAD]: ['directives'],
  [Kind.INLINE_FRAGMENT]: ['directives'],
  [Kind.OPERATION_DEFINITION]: ['variableDefinitions', 'directives'],
  [Kind.LIST]: ['values'],
  [Kind.OBJECT]: ['fields'],
} as Record<string, readonly string[]>;

/**
 * A smaller request that differs in the same way: leaves out of the document what can go, one entry
 * at a time, as long as what is left still differs.
 */
export async function shrink<T extends Difference>(
  compare: (request: OperationRequest) => Promise<T>,
  first: T,
  attempts = 400,
): Promise<T> {
  let smallest = first;
  let left = attempts;
  for (let isSmaller = true; isSmaller && left > 0; ) {
    isSmaller = false;
    for (const request of smallerRequests(smallest.request)) {
      if (left-- <= 0) break;
      const next = await compare(request);
      if (kindOf(next) !== kindOf(smallest)) continue;
      smallest = next;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

function kindOf(difference: Difference): string {
  return (difference.differences[0] ?? '').split(/[:{]| at /)[0] ?? '';
}

function* smallerRequests(request: OperationRequest): Generator<OperationRequest> {
  for (const name of Object.keys(request.variables)) {
    const { [name]: _, ...variables } = request.variables;
    yield { ...request, variables };
  }
  const count = entries(request.query);
  for (let index = 0; index < count; index++) {
    const query = without(request.query, index);
    if (query !== undefined) yield { ...request, query };
  }
}

function entries(query: string): number {
  try {
    let count = 0;
    visit(parse(query), {
      enter(node) {
        count += lengthsOf(node);
      },
    });
    return count;
  } catch {
    return 0; // what is no document is reported as it is
  }
}

function lengthsOf(node: ASTNode): number {
  return (LISTS[node.kind] ?? []).reduce((sum, it) => sum + listOf(node, it).length, 0);
}

function listOf(node: ASTNode, property: string): ASTNode[] {
  return ((node as unknown as Record<string, ASTNode[]>)[property] ?? []) as ASTNode[];
}

/** The document without one entry of one list; `undefined` when nothing printable is left. */
function without(query: string, index: number): string | undefined {
  const document = structuredClone(parse(query, { noLocation: true }));
  let rest = index;
  visit(document, {
    enter(node) {
      for (const property of LISTS[node.kind] ?? []) {
        const list = listOf(node, property);
        if (rest < list.length) {
          list.splice(rest, 1);
          return BREAK;
        }
        rest -= list.length;
      }
      return undefined;
    },
  });
  const printed = print(document);
  try {
    parse(printed);
    return printed;
  } catch {
    return undefined;
  }
}
