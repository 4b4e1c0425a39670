import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isObjectType,
} from 'graphql';
import type { FieldsAsk } from '../native/protocol.js';
import type { CollectedFields, SelectingNodes } from './collected-fields.js';
import type { FieldSpecs } from './field-specs.js';
import type { OperationState } from './operation.js';
import type { ResponsePath } from './parents.js';
import type { RowColumns, RowMeaning } from './row-objects.js';

/** What of an ask says where its parents are. */
export type PlacedAsk = Pick<FieldsAsk, 'layer' | 'type' | 'path' | 'fields'>;

/** Where the rows of a layer come from. */
export interface RowSource extends RowMeaning {
  /** What is selected of them. */
  fields: CollectedFields;
  /** Their place, without indices: JavaScript does not know the lists that rows are in. */
  path: ResponsePath | undefined;
}

/** As much of a {@link RowSource} as the document and the schema say: the same for every run. */
export interface RowPlace {
  /** Its columns are those of `layer`, if there is one. */
  source: RowSource;
  keys: readonly string[];
  /** The dynamic layer whose statement has the rows: each answer has its own columns. */
  layer: AnsweringLayer | undefined;
}

interface AnsweringLayer {
  coordinate: string;
  /** Its response keys, from the operation on. */
  keys: readonly string[];
}

/** A field on the way. */
interface Step {
  type: GraphQLObjectType;
  field: string;
}

/** A way through the types to a layer; abstract types on it leave several open. */
interface Way {
  type: GraphQLObjectType;
  nodes: SelectingNodes;
  path: ResponsePath | undefined;
  /** The fields that were passed. */
  steps: readonly Step[];
}

const NO_COLUMNS: RowColumns = {};

/**
 * Finds the field that rows come from, by their path: what is selected of them, and their columns.
 *
 * @throws {Error} when the document has no such path: the engine and JavaScript disagree
 */
export function rowSourceOf(
  ask: PlacedAsk,
  operation: OperationState,
  specs: FieldSpecs,
): RowSource {
  const known = operation.rowPlaces.get(ask.layer);
  if (known !== undefined && isOf(known, ask)) return inRun(known, operation);
  const place = findPlace(ask, operation, specs);
  operation.rowPlaces.set(ask.layer, place);
  return inRun(place, operation);
}

/** Plans of one operation may number their layers in other ways. */
function isOf({ source, keys }: RowPlace, { type, path, fields }: PlacedAsk): boolean {
  return (
    source.type.name === type &&
    keys.length === path.length &&
    keys.every((key, index) => key === path[index]) &&
    fields.every((field) => isSelected(source.fields, field.key, field.name))
  );
}

function inRun({ source, layer }: RowPlace, operation: OperationState): RowSource {
  const columns = layer && operation.answeredColumns(layer.keys);
  if (layer === undefined || columns === undefined) return source;
  return { ...source, columns, name: `${layer.coordinate} ${JSON.stringify(columns)}` };
}

function findPlace(ask: PlacedAsk, operation: OperationState, specs: FieldSpecs): RowPlace {
  const root = operation.schema.getRootType(operation.operation.operation) as GraphQLObjectType;
  let ways: Way[] = [{ type: root, nodes: operation.rootNodes, path: undefined, steps: [] }];
  for (const key of ask.path) ways = ways.flatMap((way) => onward(way, key, operation));
  for (const way of ways) {
    if (way.type.name !== ask.type) continue;
    const fields = operation.collector.collect(way.type, way.nodes);
    if (!ask.fields.every((field) => isSelected(fields, field.key, field.name))) continue;
    const { type, path } = way;
    const { columns, name, layer } = columnsAt(way, ask.path, specs);
    return { source: { type, fields, path, columns, name }, keys: ask.path, layer };
  }
  throw new Error(`The document has no ${ask.type} at ${ask.path.join('.')}.`);
}

function onward(way: Way, key: string, operation: OperationState): Way[] {
  const nodes = operation.collector.collect(way.type, way.nodes).get(key);
  const name = nodes?.[0]?.name.value;
  const definition = name === undefined ? undefined : way.type.getFields()[name];
  if (nodes === undefined || definition === undefined) return [];
  const path: ResponsePath = { prev: way.path, key, typename: way.type.name };
  const steps = [...way.steps, { type: way.type, field: definition.name }];
  return typesOf(definition.type, operation).map((type) => ({ type, nodes, path, steps }));
}

function typesOf(
  type: GraphQLOutputType,
  { schema }: OperationState,
): readonly GraphQLObjectType[] {
  const named = getNamedType(type);
  if (isObjectType(named)) return [named];
  return isAbstractType(named) ? schema.getPossibleTypes(named) : [];
}

/** A key that layers below want may not be selected at all. */
function isSelected(fields: CollectedFields, key: string, name: string): boolean {
  const nodes: readonly FieldNode[] | undefined = fields.get(key);
  return nodes === undefined || nodes[0]?.name.value === name;
}

/** The columns of the innermost statement above; the parts of a connection are below its field. */
function columnsAt(
  { steps }: Way,
  path: readonly string[],
  specs: FieldSpecs,
): Pick<RowSource, 'columns' | 'name'> & Pick<RowPlace, 'layer'> {
  const layer = undefined;
  for (let depth = steps.length; depth > 0; depth--) {
    const { type, field } = steps[depth - 1] as Step;
    const found = specs.of(type, field);
    if (found === undefined) continue;
    const { coordinate, spec } = found;
    if (spec.kind === 'statement') {
      return { columns: spec.columns ?? NO_COLUMNS, name: coordinate, layer };
    }
    if (spec.kind === 'connection') {
      return { columns: spec.forward.columns ?? NO_COLUMNS, name: coordinate, layer };
    }
    if (spec.kind === 'layer') {
      const answering = { coordinate, keys: path.slice(0, depth) };
      return { columns: NO_COLUMNS, name: `${coordinate} {}`, layer: answering };
    }
  }
  return { columns: NO_COLUMNS, name: '', layer };
}
