import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  parse,
  visit,
} from 'graphql';
import type { AskedDocument, OperationStart } from '../native/protocol.js';
import { FieldCollector } from './collected-fields.js';

/** An operation of a document, with its variables as graphql-js coerces them. */
export interface ReadyOperation {
  operation: OperationDefinitionNode;
  /** The operation as that from which its fields are collected; the same array for every run. */
  rootNodes: readonly OperationDefinitionNode[];
  fragments: Record<string, FragmentDefinitionNode>;
  variableValues: Record<string, unknown>;
  collector: FieldCollector;
}

/** What is made once of a document's text; the engine has validated it before JavaScript is asked. */
export class PreparedDocument {
  readonly #schema: GraphQLSchema;
  readonly #document: DocumentNode;
  readonly #fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  readonly #rootNodes = new WeakMap<OperationDefinitionNode, readonly OperationDefinitionNode[]>();
  /** For all operations, where no variable decides which fields are collected. */
  readonly #collector: FieldCollector | undefined;

  constructor(schema: GraphQLSchema, text: string) {
    this.#schema = schema;
    this.#document = parse(text);
    for (const definition of this.#document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        this.#fragments[definition.name.value] = definition;
      }
    }
    if (!isConditional(this.#document)) {
      this.#collector = new FieldCollector(schema, this.#fragments, {});
    }
  }

  /**
   * Chooses the operation and coerces its variables, this time with the functions of custom scalars.
   *
   * @throws {GraphQLError} when a custom scalar does not take a value
   */
  ready({ operationName, variables }: OperationStart): ReadyOperation {
    const operation = this.#operation(operationName);
    const coerced = getVariableValues(
      this.#schema,
      operation.variableDefinitions ?? [],
      variables,
      { maxErrors: 1 },
    );
    if (coerced.errors !== undefined) throw inputError(coerced.errors[0]);
    const variableValues = coerced.coerced;
    const collector =
      this.#collector ?? new FieldCollector(this.#schema, this.#fragments, variableValues);
    const rootNodes = this.#rootNodesOf(operation);
    return { operation, rootNodes, fragments: this.#fragments, variableValues, collector };
  }

  #rootNodesOf(operation: OperationDefinitionNode): readonly OperationDefinitionNode[] {
    let nodes = this.#rootNodes.get(operation);
    if (nodes === undefined) {
      nodes = [operation];
      this.#rootNodes.set(operation, nodes);
    }
    return nodes;
  }

  #operation(name: string | null): OperationDefinitionNode {
    for (const definition of this.#document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      if (name === null || definition.name?.value === name) return definition;
    }
    throw new GraphQLError(`Unknown operation named "${name}".`);
  }
}

/** Prepared documents, kept as long as the engine keeps the texts. */
export class PreparedDocuments {
  readonly #schema: GraphQLSchema;
  readonly #prepared = new WeakMap<AskedDocument, PreparedDocument>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** The prepared form of a document. */
  of(document: AskedDocument): PreparedDocument {
    let prepared = this.#prepared.get(document);
    if (prepared === undefined) {
      prepared = new PreparedDocument(this.#schema, document.text);
      this.#prepared.set(document, prepared);
    }
    return prepared;
  }
}

/** What clients sent wrong is theirs to know, also where a function of a scalar said it. */
function inputError(error: GraphQLError | undefined): GraphQLError {
  const extensions = { code: 'BAD_USER_INPUT' };
  return new GraphQLError(error?.message ?? 'The variables are invalid.', { extensions });
}

function isConditional(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive(node) {
      if (node.name.value === 'skip' || node.name.value === 'include') found = true;
    },
  });
  return found;
}
