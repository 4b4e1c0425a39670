import {
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql';
import type { Random } from '../support/random.ts';
import { anyText } from './texts.ts';

/**
 * A valid value of an input type: as resolvers see it (`internal`) or as it is written in the JSON
 * of variables (`external`).
 *
 * An internal value has all fields of its input objects, because graphql-js takes default values as
 * they are.
 */
export function inputValue(
  random: Random,
  type: GraphQLInputType,
  form: 'internal' | 'external',
  depth = 0,
): unknown {
  if (isNonNullType(type)) return present(random, type.ofType, form, depth);
  return random.chance(0.12) ? null : present(random, type, form, depth);
}

function present(
  random: Random,
  type: GraphQLInputType,
  form: 'internal' | 'external',
  depth: number,
): unknown {
  if (isNonNullType(type)) return present(random, type.ofType, form, depth);
  if (isListType(type)) {
    // One value stands for a list of it (specification, 3.11.2 "Input Coercion").
    if (form === 'external' && random.chance(0.15) && !isListType(type.ofType)) {
      return present(random, type.ofType, form, depth + 1);
    }
    const length = random.below(depth > 2 ? 2 : 4);
    return Array.from({ length }, () => inputValue(random, type.ofType, form, depth + 1));
  }
  if (isEnumType(type)) {
    const value = random.pick(type.getValues());
    return form === 'internal' ? value.value : value.name;
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    if (type.isOneOf) {
      const field = random.pick(fields);
      return { [field.name]: present(random, field.type, form, depth + 1) };
    }
    const object: Record<string, unknown> = {};
    for (const field of fields) {
      const isDeep = depth > 2 && !isNonNullType(field.type);
      if (form === 'internal') {
        object[field.name] = isDeep ? null : inputValue(random, field.type, form, depth + 1);
      } else if (isRequiredInputField(field) || (!isDeep && random.chance(0.7))) {
        object[field.name] = inputValue(random, field.type, form, depth + 1);
      }
    }
    return object;
  }
  return scalarValue(random, type.name, form);
}

function scalarValue(random: Random, name: string, form: 'internal' | 'external'): unknown {
  switch (name) {
    case 'Int':
      return random.pick([0, 1, -1, 42, 2147483647, -2147483648]);
    case 'Float':
      return random.pick([0, 1, -1.5, 0.1, 1e21, 1.7976931348623157e308, 5e-324, 123456789.125]);
    case 'Boolean':
      return random.chance(0.5);
    case 'ID':
      return form === 'external' && random.chance(0.3)
        ? random.below(100)
        : `id-${random.below(9)}`;
    case 'Even':
      return 2 * random.below(50);
    case 'Upper':
      return form === 'internal' ? random.pick(['ABC', 'X Y']) : random.pick(['abc', 'x y']);
    case 'Json':
      // Nothing but leaves can be printed as a default value.
      if (form === 'internal') return random.pick<unknown>([1, 'text', true]);
      return random.pick<unknown>([
        1,
        'text',
        true,
        [1, 2],
        { a: { b: [null] }, z: 1, c: '\u2028' },
      ]);
    default:
      return anyText(random);
  }
}
