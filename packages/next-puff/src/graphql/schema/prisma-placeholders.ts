import type { ModelField, ProtocolQuery, RuntimeDataModel } from '../../prisma/client-internals.js';
import { placeholderType } from '../../prisma/sql/param.js';

/** Where in a query a placeholder is. */
export interface Place {
  /** The model whose field it is compared with or written to. */
  model: string;
  field: ModelField;
  /** Whether it is one of several values in a list. */
  isElement: boolean;
}

/**
 * Is told where a placeholder is; `undefined` for a place that belongs to no field of a model. Returns
 * whether it stands for a list, or `undefined` for a placeholder that has a type already.
 */
export type PlaceReader = (name: string, place: Place | undefined) => boolean | undefined;

/** A placeholder as Prisma writes it for its engine. */
interface RawPlaceholder {
  $type: 'Param';
  value: { name: string; type: string; inner?: { type: string } };
}

/** Gives the placeholders in a query the types of the fields that they are compared with or written to. */
export function placePlaceholders(
  { modelName, query }: ProtocolQuery,
  { models }: RuntimeDataModel,
  read: PlaceReader,
): void {
  const walk = (value: unknown, model: string, field?: ModelField, isElement = false): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const element of value) walk(element, model, field, true);
    } else if (isPlaceholder(value)) {
      place(value, field && { model, field, isElement }, read);
    } else {
      for (const [key, inner] of Object.entries(value)) {
        const own = models[model]?.fields.find(({ name }) => name === key);
        if (own?.kind === 'object') walk(inner, own.type);
        else walk(inner, model, own ?? field);
      }
    }
  };
  walk(query, modelName ?? '');
}

/** The name of a placeholder, if a part of a query is one. */
export function nameOfPlaceholder(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !isPlaceholder(value)) return undefined;
  return value.value.name;
}

function isPlaceholder(value: object): value is RawPlaceholder {
  return (value as { $type?: unknown }).$type === 'Param';
}

function place(placeholder: RawPlaceholder, at: Place | undefined, read: PlaceReader): void {
  const { name } = placeholder.value;
  const isList = read(name, at);
  if (isList === undefined || at === undefined) return;
  const type = placeholderType(at.field.kind === 'enum' ? 'Enum' : at.field.type);
  placeholder.value = isList ? { name, type: 'List', inner: { type } } : { name, type };
}
