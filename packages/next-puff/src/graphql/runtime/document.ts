import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  visit,
} from 'graphql';
import type { AskedDocument } from '../native/protocol.js';
import { FieldCollector } from './collected-fields.js';
import type { RowPlace } from './row-source.js';
import { VariableValues } from './variable-values.js';

/** An operation of a document, as far as it is the same for every run. */
export interface PreparedOperation {
  operation: OperationDefinitionNode;
  variables: VariableValues;
  /** The operation as that from which its fields are collected; the same array for every run. */
  rootNodes: readonly OperationDefinitionNode[];
  fragments: Record<string, FragmentDefinitionNode>;
  /** Nothing where variables decide which fields are collected. */
  selected: SelectedFields | undefined;
}

/** What is selected of the places of an operation. */
export interface SelectedFields {
  collector: FieldCollector;
  /** Where the rows of layers come from, by the layer's number. */
  rowPlaces: Map<number, RowPlace>;
}

/** What is made once of a document's text; the engine has validated it before JavaScript is asked. */
export class PreparedDocument {
  readonly #schema: GraphQLSchema;
  readonly #document: DocumentNode;
  readonly #fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  readonly #isConditional: boolean;
  /** By their names. */
  readonly #operations = new Map<string | null, PreparedOperation>();

  constructor(schema: GraphQLSchema, text: string) {
    this.#schema = schema;
    this.#document = parse(text);
    for (const definition of this.#document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        this.#fragments[definition.name.value] = definition;
      }
    }
    this.#isConditional = isConditional(this.#document);
  }

  /**
   * The operation of that name; the only one for `null`.
   *
   * @throws {GraphQLError} when there is none
   */
  operation(name: string | null): PreparedOperation {
    let prepared = this.#operations.get(name);
    if (prepared === undefined) {
      prepared = this.#prepare(this.#operation(name));
      this.#operations.set(name, prepared);
    }
    return prepared;
  }

  #prepare(operation: OperationDefinitionNode): PreparedOperation {
    const variables = new VariableValues(this.#schema, operation);
    const rootNodes = [operation];
    const fragments = this.#fragments;
    const selected = this.#isConditional ? undefined : selectedFields(this.#schema, fragments, {});
    return { operation, variables, rootNodes, fragments, selected };
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

/** Nothing is collected yet. */
export function selectedFields(
  schema: GraphQLSchema,
  fragments: Record<string, FragmentDefinitionNode>,
  variableValues: Record<string, unknown>,
): SelectedFields {
  const collector = new FieldCollector(schema, fragments, variableValues);
  return { collector, rowPlaces: new Map() };
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
