import type { ModelField, ProtocolQuery, RuntimeDataModel } from '../../prisma/client-internals.js';

/** Where in a query a placeholder is. */
export interface Place {
  /** Prisma's scalar type, `Enum` for enums. */
  type: string;
  enumName: string | undefined;
}

/**
 * Is told where a placeholder is; `undefined` for a place that belongs to no field of a model. Returns
 * whether it stands for a list, or `undefined` for a placeholder that has a type already.
 */
export type PlaceReader = (name: string, place: Place | undefined) => boolean | undefined;

interface RawPlaceholder {
  $type: 'Param';
  value: { name: string; type: string; inner?: { type: string } };
}

/** Gives the placeholders in a query the types of the fields that they are compared with or written to. */
export function placePlaceholders(
  { modelName, query }: ProtocolQuery,
  dataModel: RuntimeDataModel,
  read: PlaceReader,
): void {
  const walk = (value: unknown, model: string | undefined, field: ModelField | undefined) => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const element of value) walk(element, model, field);
      return;
    }
    if (isPlaceholder(value)) {
      place(value, field, read);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      const own = dataModel.models[model ?? '']?.fields.find(({ name }) => name === key);
      if (own === undefined) walk(inner, model, field);
      else if (own.kind === 'object') walk(inner, own.type, undefined);
      else walk(inner, model, own);
    }
  };
  walk(query, modelName, undefined);
}

function isPlaceholder(value: object): value is RawPlaceholder {
  return (value as { $type?: unknown }).$type === 'Param';
}

function place(
  placeholder: RawPlaceholder,
  field: ModelField | undefined,
  read: PlaceReader,
): void {
  const { name } = placeholder.value;
  const isEnum = field?.kind === 'enum';
  const type = isEnum ? 'Enum' : (field?.type ?? '');
  const isList = read(name, field && { type, enumName: isEnum ? field.type : undefined });
  if (isList === undefined) return;
  placeholder.value = isList ? { name, type: 'List', inner: { type } } : { name, type };
}
