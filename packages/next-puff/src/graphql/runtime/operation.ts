import type { FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { OperationStart } from '../native/protocol.js';
import type { FieldCollector } from './collected-fields.js';
import {
  type PreparedDocuments,
  type PreparedOperation,
  type SelectedFields,
  selectedFields,
} from './document.js';
import type { ErrorMask } from './failures.js';
import type { KeptObjects } from './parents.js';
import type { MaybePromise } from './promises.js';
import type { RowColumns } from './row-objects.js';
import type { RowPlace } from './row-source.js';

/** An operation with the variables of one run. */
interface ReadyOperation extends PreparedOperation {
  selected: SelectedFields;
  variableValues: Record<string, unknown>;
}

/** What JavaScript knows of a running operation; it lives until the operation ends. */
export class OperationState {
  readonly schema: GraphQLSchema;
  readonly mask: ErrorMask;
  /** What resolvers of the operation's fields get: the event, for a subscription. */
  readonly rootValue: unknown;
  readonly #documents: PreparedDocuments;
  readonly #makeContext: () => unknown;
  readonly #sets: KeptObjects[] = [];
  #cache: Map<unknown, unknown> | undefined;
  #answeredColumns: Map<string, RowColumns> | undefined;
  #context: { value: MaybePromise<unknown> } | undefined;
  #start: OperationStart | undefined;
  #ready: ReadyOperation | undefined;

  /**
   * @param makeContext is called when a context is needed first
   */
  constructor(
    schema: GraphQLSchema,
    documents: PreparedDocuments,
    mask: ErrorMask,
    makeContext: () => unknown,
    rootValue?: unknown,
  ) {
    this.schema = schema;
    this.mask = mask;
    this.#documents = documents;
    this.#makeContext = makeContext;
    this.rootValue = rootValue;
  }

  /** The execution of this subscription for an event: with the same context, and all else of its own. */
  forEvent(event: unknown): OperationState {
    const context = () => this.context();
    return new OperationState(this.schema, this.#documents, this.mask.renewed(), context, event);
  }

  /** Takes the request, which comes with the first ask. */
  begin(start: OperationStart): void {
    this.#start ??= start;
  }

  /**
   * Parses the document and coerces the variables, unless that was done.
   *
   * @throws {GraphQLError} when a custom scalar does not take a value
   */
  prepare(): void {
    if (this.#ready !== undefined) return;
    const start = this.#start;
    if (start === undefined) throw new Error('The first ask of an operation has no start.');
    const prepared = this.#documents.of(start.document).operation(start.operationName);
    const { operation, rootNodes, fragments, variables } = prepared;
    const variableValues = variables.coerce(start.variables);
    const selected = prepared.selected ?? selectedFields(this.schema, fragments, variableValues);
    this.#ready = { operation, rootNodes, fragments, variables, selected, variableValues };
  }

  get #prepared(): ReadyOperation {
    if (this.#ready === undefined) throw new Error('The operation was not prepared.');
    return this.#ready;
  }

  /** The operation's name in its document. */
  get name(): string | null {
    return this.#start?.operationName ?? this.#ready?.operation.name?.value ?? null;
  }

  get operation(): OperationDefinitionNode {
    return this.#prepared.operation;
  }

  get fragments(): Record<string, FragmentDefinitionNode> {
    return this.#prepared.fragments;
  }

  get variableValues(): { [variable: string]: unknown } {
    return this.#prepared.variableValues;
  }

  get collector(): FieldCollector {
    return this.#prepared.selected.collector;
  }

  /** Where the rows of layers come from, by the layer's number. */
  get rowPlaces(): Map<number, RowPlace> {
    return this.#prepared.selected.rowPlaces;
  }

  /** The cache that layers share. */
  get cache(): Map<unknown, unknown> {
    this.#cache ??= new Map();
    return this.#cache;
  }

  /** Remembers the columns of a statement that a dynamic layer answered, by the path of its field. */
  answerColumns(path: readonly string[], columns: RowColumns): void {
    this.#answeredColumns ??= new Map();
    this.#answeredColumns.set(path.join('.'), columns);
  }

  /** The columns that a dynamic layer answered, if it said any. */
  answeredColumns(path: readonly string[]): RowColumns | undefined {
    return this.#answeredColumns?.get(path.join('.'));
  }

  /** The nodes from which the root's fields are collected; always the same array. */
  get rootNodes(): readonly OperationDefinitionNode[] {
    return this.#prepared.rootNodes;
  }

  /** The context, made at the first use; throws or rejects every time if making it failed. */
  context(): MaybePromise<unknown> {
    this.#context ??= { value: this.#firstContext() };
    return this.#context.value;
  }

  #firstContext(): MaybePromise<unknown> {
    try {
      return this.#makeContext();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Keeps a set of objects and returns its number. */
  keep(objects: KeptObjects): number {
    return this.#sets.push(objects) - 1;
  }

  /** A set that was kept. */
  kept(id: number): KeptObjects {
    const set = this.#sets[id];
    if (set === undefined) throw new Error(`The engine asked for the unknown set ${id}.`);
    return set;
  }
}
