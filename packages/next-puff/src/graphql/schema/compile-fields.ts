import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isScalarType,
} from 'graphql';
import { isSql } from '../../postgres/sql.js';
import { channelParts } from './channel-name.js';
import { connectionSpec } from './connection-spec.js';
import { hasOwnSerializer } from './custom-scalars.js';
import {
  type ColumnField,
  type ConnectionField,
  type DynamicLayer,
  EXTENSION,
  isFieldSource,
  type JoinOptions,
  kindOf,
  type LayerOptions,
  type StaticLayer,
  type StaticLayerOptions,
} from './field-source.js';
import { PARENT_KEY, PerParentSql } from './per-parent.js';
import { listed, near, schemaError } from './schema-error.js';
import type { FieldSpec, JoinSpec, StatementSpec, StreamSpec } from './spec.js';
import { sqlStatement } from './sql-statement.js';
import { callStatic, isUnawaited, type StaticFunction } from './static-call.js';
import type { EventCall, SubscriptionField } from './subscribe.js';
import { FieldSymbols, type StaticSymbol } from './symbols.js';

/** How the fields of a schema are resolved. */
export interface CompiledFields {
  /** The layers that JavaScript resolves, by coordinate. */
  layers: ReadonlyMap<string, DynamicLayer>;
  /** Where the events of subscriptions come from, by coordinate. */
  streams: { readonly [coordinate: string]: StreamSpec };
  /** Whether static layers are Prisma queries: their clients must be prepared before {@link finish}. */
  usesPrisma: boolean;
  /**
   * What the engine is told.
   *
   * @param prisma makes statements of Prisma queries, where there are any
   */
  finish(prisma: PrismaStatements | undefined): { [coordinate: string]: FieldSpec };
}

/** Makes statements of Prisma queries; apart, so that apps without Prisma do not load what it needs. */
export type PrismaStatements = typeof import('./prisma-statement.js');

/** A field's resolution, once Prisma's clients are prepared. */
type LateSpec = (prisma: PrismaStatements) => FieldSpec;

type OwnerType = GraphQLObjectType | GraphQLInterfaceType;
type Field = GraphQLField<unknown, unknown>;

/**
 * Works out how the fields of a schema are resolved: by what is in their `extensions.puff`, by their
 * `resolve`, or from their parents. Static functions are called here.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA`, `PUFF_GRAPHQL_NOT_STATIC`
 */
export function compileFields(schema: GraphQLSchema): CompiledFields {
  const compiler = new FieldCompiler(schema);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !(isObjectType(type) || isInterfaceType(type))) continue;
    for (const field of Object.values(type.getFields())) compiler.add(type, field);
  }
  return compiler;
}

class FieldCompiler implements CompiledFields {
  readonly layers = new Map<string, DynamicLayer>();
  readonly streams: { [coordinate: string]: StreamSpec } = {};
  usesPrisma = false;
  readonly #roots: ReadonlySet<unknown>;
  readonly #subscriptionType: unknown;
  readonly #specs = new Map<string, FieldSpec | LateSpec>();

  constructor(schema: GraphQLSchema) {
    this.#subscriptionType = schema.getSubscriptionType();
    this.#roots = new Set([
      schema.getQueryType(),
      schema.getMutationType(),
      this.#subscriptionType,
    ]);
  }

  finish(prisma: PrismaStatements | undefined): { [coordinate: string]: FieldSpec } {
    return Object.fromEntries(
      [...this.#specs].map(([coordinate, spec]) => [
        coordinate,
        // Without Prisma queries there are no late ones.
        typeof spec === 'function' ? spec(prisma as PrismaStatements) : spec,
      ]),
    );
  }

  /** @throws {PuffError} when the field cannot be resolved as it says */
  add(owner: OwnerType, field: Field): void {
    const coordinate = `${owner.name}.${field.name}`;
    const spec = this.#specOf(coordinate, owner, field);
    if (spec !== undefined) this.#specs.set(coordinate, spec);
  }

  #specOf(coordinate: string, owner: OwnerType, field: Field): FieldSpec | LateSpec | undefined {
    const source = field.extensions[EXTENSION];
    const isSubscription = owner === this.#subscriptionType;
    if (isSubscription && field.subscribe !== undefined) {
      this.streams[coordinate] = { kind: 'script' };
    }
    if (source === undefined) return this.#withoutSource(owner, field);
    if (!isFieldSource(source)) {
      throw schemaError(
        coordinate,
        `its extension \`${EXTENSION}\` is no layer`,
        'Use `layer.static`, `layer`, `connection` or `column`.',
      );
    }
    const isRoot = this.#roots.has(owner);
    const symbols = () => new FieldSymbols(coordinate, field.args, isRoot, isSubscription);
    switch (kindOf(source)) {
      case 'subscription':
        return this.#subscription(
          coordinate,
          owner,
          field,
          source as SubscriptionField<never, never>,
        );
      case 'static':
        return this.#static(symbols(), field, source as StaticLayer, isRoot);
      case 'connection':
        return {
          kind: 'connection',
          ...connectionSpec(field, source as ConnectionField, symbols(), isRoot),
        };
      case 'layer': {
        const { options } = source as DynamicLayer;
        checkValueOptions(coordinate, field, options);
        const on = joinsOf(coordinate, options, isRoot);
        this.layers.set(coordinate, source as DynamicLayer);
        const spec: FieldSpec = { kind: 'layer' };
        if (on.length > 0) spec.on = on;
        if (options.value !== undefined) spec.value = options.value;
        if (options.default !== undefined) spec.default = options.default;
        return spec;
      }
      default:
        return this.#column(coordinate, field, source as ColumnField, isRoot);
    }
  }

  /** A resolver, or what cannot be read from the parent without JavaScript or without its enum's values. */
  #withoutSource(owner: OwnerType, field: Field): FieldSpec | undefined {
    const { resolve } = field;
    // What an interface has is never called.
    if (resolve !== undefined && resolve !== defaultFieldResolver && isObjectType(owner)) {
      return { kind: 'resolver' };
    }
    // The event of a subscription is a parent like any other.
    if (this.#roots.has(owner) && owner !== this.#subscriptionType) return undefined;
    if (needsJavaScript(field)) return { kind: 'resolver' };
    const enumNames = enumNamesOf(field);
    return enumNames && { kind: 'column', column: field.name, enumNames };
  }

  /** Where its events come from, and how one becomes the value of the field. */
  #subscription(
    coordinate: string,
    owner: OwnerType,
    field: Field,
    { source, options }: SubscriptionField<never, never>,
  ): FieldSpec | LateSpec | undefined {
    if (owner !== this.#subscriptionType) {
      throw schemaError(
        coordinate,
        'it has `subscribe`, and only fields of the subscription type have events',
        'Use `layer` or `layer.static`.',
      );
    }
    const parts = source.kind === 'channel' ? channelParts(source.name, field.args) : undefined;
    this.streams[coordinate] =
      parts === undefined ? { kind: 'script' } : { kind: 'channel', parts };
    const { resolve } = options;
    if (resolve === undefined) return this.#withoutSource(owner, field);
    if (typeof resolve === 'function') {
      field.resolve = resolverOf(coordinate, resolve as never);
      return { kind: 'resolver' };
    }
    if (!isFieldSource(resolve) || kindOf(resolve) !== 'static') {
      throw schemaError(
        coordinate,
        'its `resolve` is neither a static layer nor a function',
        'Give `layer.static(...)`, a function of `{ event, args, context }`, or nothing.',
      );
    }
    const symbols = new FieldSymbols(coordinate, field.args, true, true);
    return this.#static(symbols, field, resolve as StaticLayer, true);
  }

  #column(coordinate: string, field: Field, { column }: ColumnField, isRoot: boolean): FieldSpec {
    if (isRoot) {
      throw schemaError(
        coordinate,
        'fields of an operation have no columns',
        'Give it a layer or a resolver.',
      );
    }
    if (!isLeafType(getNamedType(field.type))) {
      throw schemaError(
        coordinate,
        `\`${String(field.type)}\` is no scalar and no enum, so no column can hold it`,
        'Give it a layer.',
      );
    }
    if (needsJavaScript(field)) {
      field.resolve ??= (row) => (row as Record<string, unknown>)[column];
      return { kind: 'resolver' };
    }
    const enumNames = enumNamesOf(field);
    return enumNames ? { kind: 'column', column, enumNames } : { kind: 'column', column };
  }

  #static(
    symbols: FieldSymbols,
    field: Field,
    { statement, options }: StaticLayer,
    isRoot: boolean,
  ): FieldSpec | LateSpec {
    const { coordinate } = symbols;
    checkLeafOptions(coordinate, field, options);
    const call = callStatic(statement as StaticFunction, symbols);
    const { result } = call;
    const isPerParent = result instanceof PerParentSql && result.parentColumn !== undefined;
    const on =
      isPerParent && options.on === undefined
        ? [[result.parentColumn, PARENT_KEY] as JoinSpec]
        : joinsOf(coordinate, options, isRoot);
    checkJoin(coordinate, field, on, options, symbols.used, isRoot);
    const finish = (spec: StatementSpec): FieldSpec => {
      const { value, default: missing } = options;
      const pins = pinsOf(coordinate, field, options);
      const enumNames = enumNamesOf(field);
      // For a leaf, the engine looks for the names of an enum under the field itself.
      if (enumNames !== undefined) {
        spec.columns ??= { [field.name]: { column: value ?? field.name, enumNames } };
      }
      if (on.length > 0) spec.on ??= on;
      if (value !== undefined) spec.value ??= value;
      if (missing !== undefined) spec.default = missing;
      if (pins !== undefined) spec.pins ??= pins;
      return { kind: 'statement', ...spec };
    };
    if (isSql(result)) return finish(sqlStatement(call, result));
    if (!isUnawaited(result)) throw new TypeError('a static layer is sql or a Prisma query');
    this.usesPrisma = true;
    return ({ prismaStatement, columnSpecs, leafColumns }) => {
      const { text, params, mapping } = prismaStatement(call, result);
      const columnOf = (name: string) => {
        const found = mapping.get(name)?.column;
        if (found !== undefined) return found;
        if ([...mapping.values()].some(({ column }) => column === name)) return name;
        throw schemaError(
          coordinate,
          `the query's result has no \`${name}\``,
          `It has ${listed([...mapping.keys()])}.${near(name, [...mapping.keys()])}`,
        );
      };
      const columns = columnSpecs(field, mapping);
      const spec: StatementSpec = { text, params };
      if (Object.keys(columns).length > 0) spec.columns = columns;
      if (on.length > 0) spec.on = on.map(([parent, child]) => [parent, columnOf(child)]);
      if (options.value !== undefined) spec.value = columnOf(options.value);
      else if (isLeafType(getNamedType(field.type))) {
        spec.value = leafColumn(coordinate, field, mapping, on);
      }
      if (spec.value !== undefined) Object.assign(spec, leafColumns(field, mapping, spec.value));
      const pins = pinsOf(coordinate, field, options);
      if (pins !== undefined) {
        spec.pins = Object.fromEntries(
          Object.entries(pins).map(([column, path]) => [columnOf(column), path]),
        );
      }
      return finish(spec);
    };
  }
}

/** A resolver that calls the `resolve` of a subscription. */
function resolverOf(
  coordinate: string,
  resolve: (call: EventCall<unknown, unknown, unknown>) => unknown,
): NonNullable<Field['resolve']> {
  return (event, args, context, { path }) => {
    const info = { coordinate, path: [String(path.key)], parentCount: 1 };
    return resolve({ event, args, context, info });
  };
}

/** Which column of a Prisma query is the value of a scalar or an enum. */
function leafColumn(
  coordinate: string,
  field: Field,
  mapping: ReadonlyMap<string, { column: string }>,
  on: readonly JoinSpec[],
): string {
  const named = mapping.get(field.name);
  if (named !== undefined) return named.column;
  const others = [...mapping].filter(
    ([name, { column }]) => !on.some(([, child]) => child === name || child === column),
  );
  const [only] = others;
  if (others.length === 1 && only !== undefined) return only[1].column;
  throw schemaError(
    coordinate,
    'several columns of the query could be the value',
    `Say which, as in \`{ value: '${others[0]?.[0] ?? 'id'}' }\`; there are ${listed(others.map(([name]) => name))}.`,
  );
}

function needsJavaScript(field: Field): boolean {
  const type = getNamedType(field.type);
  return isScalarType(type) && hasOwnSerializer(type);
}

/** Where an enum has other values than its names: names by value. */
function enumNamesOf(field: Field): { [value: string]: string } | undefined {
  const type = getNamedType(field.type);
  if (!isEnumType(type)) return undefined;
  const other = type.getValues().filter(({ name, value }) => name !== value);
  if (other.length === 0) return undefined;
  return Object.fromEntries(other.map(({ name, value }) => [String(value), name]));
}

function joinsOf(coordinate: string, { on }: JoinOptions, isRoot: boolean): JoinSpec[] {
  const joins = Object.entries(on ?? {});
  if (isRoot && joins.length > 0) {
    throw schemaError(coordinate, 'fields of an operation have no parents', 'Take `on` away.');
  }
  for (const [parent, child] of joins) {
    if (typeof child === 'string' && child !== '') continue;
    throw schemaError(
      coordinate,
      `\`on\` has no column for \`${parent}\``,
      "Give the column of the statement's rows: `on: { id: 'question_id' }`.",
    );
  }
  return joins;
}

function checkJoin(
  coordinate: string,
  field: Field,
  on: readonly JoinSpec[],
  options: StaticLayerOptions,
  used: readonly StaticSymbol[],
  isRoot: boolean,
): void {
  if (isRoot || on.length > 0) return;
  const parent = used.find((symbol) => symbol.kind === 'parent');
  if (parent === undefined && options.on !== undefined) return;
  const column = parent?.kind === 'parent' ? parent.column : 'id';
  throw schemaError(
    coordinate,
    `nothing says which rows belong to which parent of \`${String(field.type)}\``,
    parent === undefined
      ? `Add \`on\`: columns of the rows by columns of the parents, as in \`{ on: { ${column}: 'parent_id' } }\`; or \`{ on: {} }\` if every parent has all rows.`
      : `Add \`on\`: columns of the rows by columns of the parents, as in \`{ on: { ${column}: 'parent_${column}' } }\`.`,
  );
}

/** Objects are made of all columns of their rows. */
function checkValueOptions(
  coordinate: string,
  field: Field,
  { value, default: missing }: LayerOptions,
): void {
  if (isLeafType(getNamedType(field.type))) return;
  const option = value !== undefined ? 'value' : missing !== undefined ? 'default' : undefined;
  if (option === undefined) return;
  throw schemaError(
    coordinate,
    `\`${option}\` is for scalars and enums, and the field has the type \`${String(field.type)}\``,
    `Take \`${option}\` away.`,
  );
}

function checkLeafOptions(coordinate: string, field: Field, options: StaticLayerOptions): void {
  checkValueOptions(coordinate, field, options);
  if (!needsJavaScript(field)) return;
  throw schemaError(
    coordinate,
    `the scalar ${getNamedType(field.type).name} has its own \`serialize\`, which a static layer does not run`,
    'Use `layer` and return values, or leave `serialize` out and let PostgreSQL write the value.',
  );
}

function pinsOf(
  coordinate: string,
  field: Field,
  { pins }: StaticLayerOptions,
): { [column: string]: string[] } | undefined {
  if (pins === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(pins).map(([column, text]) => {
      const path = text.split('.');
      let fields: readonly { name: string; type: Field['args'][number]['type'] }[] = field.args;
      for (const name of path) {
        const next = fields.find((candidate) => candidate.name === name);
        if (next === undefined) {
          throw schemaError(
            coordinate,
            `\`pins\` names the argument \`${text}\`, which the field does not have`,
            `It has ${field.args.map((arg) => arg.name).join(', ') || 'no arguments'}.`,
          );
        }
        const type = getNullableType(next.type);
        fields = isInputObjectType(type) ? Object.values(type.getFields()) : [];
      }
      return [column, path];
    }),
  );
}
