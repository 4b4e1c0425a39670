import { didYouMean } from 'graphql/jsutils/didYouMean.js';
import { suggestionList } from 'graphql/jsutils/suggestionList.js';
import { PuffError } from '../../errors.js';

/**
 * A schema that cannot be (`PUFF_GRAPHQL_SCHEMA`).
 *
 * @param coordinate where: `Question.choices`, `Question` or `schema`
 * @param what completes "The schema is wrong at ...: "
 * @param hint what to do about it
 */
export function schemaError(coordinate: string, what: string, hint: string): PuffError {
  return new PuffError('PUFF_GRAPHQL_SCHEMA', `${coordinate}: ${what}.`, {
    operation: 'defineSchema',
    hint,
  });
}

/**
 * A static layer whose statement depends on values (`PUFF_GRAPHQL_NOT_STATIC`).
 *
 * @param what what the function did, with which symbol
 * @param instead what to use instead
 */
export function notStatic(
  coordinate: string,
  what: string,
  instead = 'Use `layer` instead of `layer.static`: it is called once per request, with the values.',
  cause?: unknown,
): PuffError {
  return new PuffError(
    'PUFF_GRAPHQL_NOT_STATIC',
    `${coordinate}: the layer is not static: ${what}.`,
    { operation: 'defineSchema', hint: instead, cause },
  );
}

/** "`a`, `b` and `c`", for messages. */
export function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return quoted.length < 2
    ? quoted.join('')
    : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`;
}

/** " Did you mean ...?" for a name that is nearly one of others, or nothing. */
export function near(name: string, names: readonly string[]): string {
  return didYouMean(suggestionList(name, names));
}
