// The six operations, and requests for them with variables that are the same in every run.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const OPERATIONS_FILE = fileURLToPath(new URL('operations.json', import.meta.url));

/** Text by name: Q1 a flat list, Q2 two layers, Q3 three, Q4 one object, Q5 eight siblings, M1 a write. */
export const operations = JSON.parse(readFileSync(OPERATIONS_FILE, 'utf8'));

const variables = {
  Q1: (random) => ({ limit: 100, after: random(0, 900) }),
  Q2: (random) => ({ limit: 50, after: random(0, 900) }),
  Q3: (random) => ({ limit: 50, after: random(0, 900) }),
  Q4: (random) => ({ id: random(1, 1000) }),
  Q5: () => ({}),
  // Choices whose votes no other operation reads: Q3 ends at question 950.
  M1: (random, index) => ({ choiceId: random(4751, 5000), voterName: `bench-${index}` }),
};

/** Returns requests of an operation as `{ query, variables }`. */
export function requestsOf(name, count = 400) {
  const random = seededRandom(42);
  return Array.from({ length: count }, (_, index) => ({
    query: operations[name],
    variables: variables[name](random, index),
  }));
}

/** A linear congruential generator (Numerical Recipes); every contestant gets the same numbers. */
function seededRandom(seed) {
  let state = seed;
  return (low, high) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return low + Math.floor((state / 2 ** 32) * (high - low + 1));
  };
}
