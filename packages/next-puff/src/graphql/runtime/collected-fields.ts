import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  type InlineFragmentNode,
  isAbstractType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';

/** The fields of a selection set for one object type, by response key. */
export type CollectedFields = ReadonlyMap<string, readonly FieldNode[]>;

/** What has a selection set: an operation, or the nodes of a field that are merged. */
export type SelectingNodes = readonly { readonly selectionSet?: SelectionSetNode | undefined }[];

/** Collects fields (GraphQL specification, "CollectFields"), each selection set once per type. */
export class FieldCollector {
  readonly #schema: GraphQLSchema;
  readonly #fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly #variableValues: Record<string, unknown>;
  readonly #collected = new WeakMap<SelectingNodes, Map<GraphQLObjectType, CollectedFields>>();

  constructor(
    schema: GraphQLSchema,
    fragments: Readonly<Record<string, FragmentDefinitionNode>>,
    variableValues: Record<string, unknown>,
  ) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#variableValues = variableValues;
  }

  /**
   * The fields that nodes select of an object of a type.
   *
   * @param nodes what is collected is kept by this array
   */
  collect(type: GraphQLObjectType, nodes: SelectingNodes): CollectedFields {
    let byType = this.#collected.get(nodes);
    if (byType === undefined) {
      byType = new Map();
      this.#collected.set(nodes, byType);
    }
    let fields = byType.get(type);
    if (fields === undefined) {
      const found = new Map<string, FieldNode[]>();
      const visited = new Set<string>();
      for (const { selectionSet } of nodes) {
        if (selectionSet !== undefined) this.#collect(type, selectionSet, found, visited);
      }
      fields = found;
      byType.set(type, fields);
    }
    return fields;
  }

  #collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    found: Map<string, FieldNode[]>,
    visited: Set<string>,
  ): void {
    for (const selection of selections) {
      if (!this.#isIncluded(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const nodes = found.get(key);
        if (nodes === undefined) found.set(key, [selection]);
        else nodes.push(selection);
        continue;
      }
      const fragment = this.#fragmentOf(selection, visited);
      if (fragment !== undefined && this.#isFor(fragment, type)) {
        this.#collect(type, fragment.selectionSet, found, visited);
      }
    }
  }

  #fragmentOf(
    selection: Exclude<SelectionNode, FieldNode>,
    visited: Set<string>,
  ): InlineFragmentNode | FragmentDefinitionNode | undefined {
    if (selection.kind === Kind.INLINE_FRAGMENT) return selection;
    const name = selection.name.value;
    if (visited.has(name)) return undefined;
    visited.add(name);
    return this.#fragments[name];
  }

  #isIncluded(node: SelectionNode): boolean {
    if (node.directives === undefined || node.directives.length === 0) return true;
    const skip = getDirectiveValues(GraphQLSkipDirective, node, this.#variableValues);
    if (skip?.if === true) return false;
    const include = getDirectiveValues(GraphQLIncludeDirective, node, this.#variableValues);
    return include?.if !== false;
  }

  #isFor(
    { typeCondition }: InlineFragmentNode | FragmentDefinitionNode,
    type: GraphQLObjectType,
  ): boolean {
    if (typeCondition === undefined) return true;
    const condition = typeFromAST(this.#schema, typeCondition);
    if (condition === type) return true;
    return isAbstractType(condition) && this.#schema.isSubType(condition, type);
  }
}
