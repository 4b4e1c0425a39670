import type { JsonValue } from '../native/protocol.js';
import type { FieldSpec, ParamSpec, SchemaSpec, StatementSpec } from '../schema/spec.js';

/** Which values of the context static layers use, and taking them out of it. */
export class ContextValues {
  readonly #paths: readonly string[][];

  constructor({ fields }: SchemaSpec) {
    const paths = new Map<string, string[]>();
    for (const param of Object.values(fields).flatMap(paramsOf)) {
      if ('context' in param) paths.set(JSON.stringify(param.context), param.context);
    }
    this.#paths = [...paths.values()];
  }

  /**
   * The part of a context that static layers use, as JSON; the rest may be anything, for example a
   * database client.
   *
   * @throws {TypeError} when what they use is no JSON
   */
  of(context: unknown): JsonValue {
    const picked: { [name: string]: JsonValue } = {};
    for (const path of this.#paths) put(picked, path, jsonAt(context, path));
    return picked;
  }
}

function paramsOf(field: FieldSpec): ParamSpec[] {
  if (field.kind === 'statement') return field.params;
  if (field.kind !== 'connection') return [];
  const statements: (StatementSpec | undefined)[] = [field.forward, field.backward, field.total];
  return statements.flatMap((statement) => statement?.params ?? []);
}

function jsonAt(context: unknown, path: readonly string[]): JsonValue {
  let value = context;
  for (const name of path) value = (value as { [name: string]: unknown } | null)?.[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return value.toString();
  const text = JSON.stringify(value);
  if (text !== undefined) return JSON.parse(text) as JsonValue;
  throw new TypeError(`context.${path.join('.')} is used by a static layer and is no JSON.`);
}

function put(target: { [name: string]: JsonValue }, path: readonly string[], value: JsonValue) {
  let object = target;
  for (const name of path.slice(0, -1)) {
    const inner = object[name];
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) object[name] = {};
    object = object[name] as { [name: string]: JsonValue };
  }
  const last = path.at(-1);
  // A longer path that was put before is part of this value.
  if (last !== undefined) object[last] = value;
}
