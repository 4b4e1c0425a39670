import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';

/** What is declared for a place in a response. */
export interface DeclaredPlace {
  readonly field: string;
  /** Whether null may be forbidden there: objects may narrow the types of their interfaces. */
  readonly isNonNull: boolean;
}

/**
 * The declared types of the places in a response of a valid operation. Fields that share a response
 * key have types of the same shape (specification, 5.3.2), so that one of them speaks for all.
 */
export class ResponseTypes {
  readonly #schema: GraphQLSchema;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #fields = new Map<string, { name: string; types: readonly GraphQLOutputType[] }>();

  constructor(schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined) {
    this.#schema = schema;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        this.#fragments.set(definition.name.value, definition);
      }
    }
    const operation = getOperationAST(document, operationName);
    if (operation == null) return;
    const root = schema.getRootType(operation.operation);
    if (root != null) this.#collect(operation.selectionSet, root, []);
  }

  at(path: readonly (string | number)[]): DeclaredPlace | undefined {
    const keys = path.filter((it) => typeof it === 'string');
    const declared = this.#fields.get(keys.join('.'));
    if (declared === undefined) return undefined;
    let { types } = declared;
    for (let last = path.length - 1; typeof path[last] === 'number'; last--) {
      types = types.map((it) => {
        const list = isNonNullType(it) ? it.ofType : it;
        return isListType(list) ? list.ofType : list;
      });
    }
    return { field: declared.name, isNonNull: types.some(isNonNullType) };
  }

  #collect(selections: SelectionSetNode, parent: GraphQLOutputType, keys: string[]): void {
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const hasFields = isObjectType(parent) || isInterfaceType(parent);
        const field = hasFields ? parent.getFields()[name] : undefined;
        if (field === undefined) continue;
        const path = [...keys, selection.alias?.value ?? name];
        const owners = isInterfaceType(parent) ? this.#schema.getPossibleTypes(parent) : [];
        const narrowed = owners.map((it) => it.getFields()[name]?.type ?? field.type);
        const place = path.join('.');
        const known = this.#fields.get(place)?.types ?? [];
        this.#fields.set(place, { name, types: [...known, field.type, ...narrowed] });
        const below = getNamedType(field.type);
        if (selection.selectionSet) this.#collect(selection.selectionSet, below, path);
        continue;
      }
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? this.#fragments.get(selection.name.value)
          : selection;
      if (fragment === undefined) continue;
      const condition = fragment.typeCondition;
      const type = condition ? typeFromAST(this.#schema, condition) : parent;
      if (type !== undefined) this.#collect(fragment.selectionSet, type as GraphQLOutputType, keys);
    }
  }
}
