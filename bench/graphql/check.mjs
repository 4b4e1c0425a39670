// Before anything is measured: do all contestants give the right answers?
import assert from 'node:assert/strict';
import { requestsOf } from './operations.mjs';
import { expectedData, isNewVote } from './polls.mjs';

const REQUESTS = 12;
/** Instants, which may be written in several forms of ISO 8601. */
const DATES = new Set(['pubDate', 'createdAt']);

export const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/graphql-response+json, application/json',
};

/** Throws unless the server at `url` answers these operations rightly. */
export async function checkAnswers(contestant, url, names) {
  for (const name of names) {
    for (const request of requestsOf(name, REQUESTS)) {
      const response = await fetch(url, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify(request),
      });
      const text = await response.text();
      const label = `${contestant} answers ${name} with ${response.status} ${text.slice(0, 300)}`;
      assert.equal(response.status, 200, label);
      const answer = JSON.parse(text);
      if (name === 'M1') {
        assert.ok(isNewVote(answer.data?.createVote, request.variables), label);
      } else {
        const data = expectedData[name](request.variables);
        assert.deepEqual(withInstants(answer), withInstants({ data }), label);
      }
    }
  }
}

function withInstants(value, key) {
  if (Array.isArray(value)) return value.map((item) => withInstants(item));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withInstants(v, k)]));
  }
  return DATES.has(key) ? Date.parse(value) : value;
}
