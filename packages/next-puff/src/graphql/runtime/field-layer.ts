import { getNamedType, isObjectType } from 'graphql';
import type { FieldAnswer } from '../native/protocol.js';
import type { LayerCall, ParentColumns } from '../schema/field-source.js';
import type { ColumnsByField, FieldSpecs } from './field-specs.js';
import { type AnyLayer, callLayer, type LayerOutcome } from './layer-call.js';
import type { OperationState } from './operation.js';
import { type MaybePromise, whenReady } from './promises.js';
import type { RequestedField } from './requested-field.js';
import { completeValues } from './resolve-field.js';

const NO_COLUMNS: ColumnsByField = {};

/**
 * Resolves a field by its layer.
 *
 * @param path the response keys above the field
 * @throws or rejects with what the layer's function throws
 */
export function callFieldLayer(
  layer: AnyLayer,
  field: RequestedField,
  parents: ParentColumns<Record<string, unknown>>,
  path: readonly string[],
  operation: OperationState,
  specs: FieldSpecs,
): MaybePromise<FieldAnswer> {
  const { coordinate, type, definition, index, context } = field;
  const { objects } = field.parents;
  const named = getNamedType(type);
  const fullPath = [...path, field.key];
  const call: LayerCall<unknown, Record<string, unknown>, unknown> = {
    parents,
    args: field.args(),
    context,
    info: { coordinate, path: fullPath, parentCount: objects.length },
    cache: operation.cache,
  };
  const outcome = callLayer(layer, {
    call: call as LayerCall<never, never, never>,
    parents: objects,
    target: {
      coordinate,
      fieldName: definition.name,
      type,
      columns: isObjectType(named) ? specs.columnsOf(named) : NO_COLUMNS,
    },
  });
  return whenReady(outcome, (settled: LayerOutcome) => {
    if (!('statement' in settled)) return completeValues(field, settled.values, operation);
    const { statement } = settled;
    if (statement.columns !== undefined) {
      const entries = Object.entries(statement.columns);
      const columns = Object.fromEntries(entries.map(([name, column]) => [name, { column }]));
      operation.answerColumns(fullPath, columns);
    }
    return { index, statement };
  });
}
