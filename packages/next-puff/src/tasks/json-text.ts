import { TaskValueError } from '../errors.js';

/** Deeper nesting is refused: readers of JSON have limits of their own. */
const MAX_DEPTH = 500;

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The JSON text of a value that says exactly what the value is; what JSON would drop or change is refused.
 *
 * @param name of the value in messages, for example `payload`
 * @throws TaskValueError naming the path of what is not JSON
 */
export function jsonTextOf(value: unknown, name: string): string {
  check(value, name, []);
  return JSON.stringify(value);
}

function check(value: unknown, path: string, above: readonly object[]): void {
  switch (typeof value) {
    case 'string':
      if (LONE_SURROGATE.test(value)) {
        throw refuse(path, 'half of a surrogate pair is no text', 'Cut texts at whole characters.');
      }
      return;
    case 'number':
      if (!Number.isFinite(value)) {
        throw refuse(path, `${value} is not JSON`, 'Send null, or leave it out.');
      }
      return;
    case 'boolean':
      return;
    case 'undefined':
      throw refuse(path, 'undefined is not JSON', 'Leave it out, or send null.');
    case 'bigint':
      throw refuse(path, 'a bigint is not JSON', 'Send a text: value.toString().');
    case 'function':
    case 'symbol':
      throw refuse(path, `a ${typeof value} is not JSON`, 'Send the data that it stands for.');
  }
  if (value !== null) checkObject(value as object, path, above);
}

function checkObject(value: object, path: string, above: readonly object[]): void {
  if (above.includes(value)) {
    throw refuse(path, 'it contains itself', 'Send ids in place of the objects they name.');
  }
  if (above.length >= MAX_DEPTH) {
    throw refuse(path, `it is nested more than ${MAX_DEPTH} times`, 'Send a flatter value.');
  }
  const inner = [...above, value];
  if (Array.isArray(value)) {
    // Not forEach, which passes over holes.
    for (let at = 0; at < value.length; at++) check(value[at], `${path}[${at}]`, inner);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // Also the Object of another realm: what structuredClone or a VM has made.
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain) throw refuse(path, `a ${classOf(value)} is not JSON`, adviceFor(value));
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    throw refuse(path, 'it has a toJSON of its own', 'Send what that returns.');
  }
  for (const [key, entry] of Object.entries(value)) {
    if (LONE_SURROGATE.test(key)) {
      throw refuse(path, 'one of its keys has half of a surrogate pair', 'Rename it.');
    }
    check(
      entry,
      IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`,
      inner,
    );
  }
}

function classOf(value: object): string {
  const { name } = (value.constructor ?? {}) as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : 'class instance';
}

function adviceFor(value: object): string {
  if (value instanceof Date) return 'Send value.toISOString() or value.getTime().';
  if (value instanceof Map) return 'Send Object.fromEntries(value) or [...value].';
  if (value instanceof Set) return 'Send [...value].';
  if (ArrayBuffer.isView(value)) return "Send a text: Buffer.from(value).toString('base64').";
  return 'Send a plain object with its data.';
}

function refuse(path: string, why: string, hint: string): TaskValueError {
  return new TaskValueError(`${path}: ${why}.`, path, { operation: 'schedule', hint });
}
