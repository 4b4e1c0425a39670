// Question: what does a layer that calls JavaScript add to an operation?
//
// One question with its choices, read through the same schema twice: with a static layer for the choices,
// and with a function that says the same statement at every request.
import assert from 'node:assert/strict';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { layer } from 'next-puff/graphql';
import { postgres } from 'next-puff/postgres';
import { pollsSchema } from '../graphql/apps/next-puff/polls.mjs';
import { requestsOf } from '../graphql/operations.mjs';
import { expectedData, seed } from '../graphql/polls.mjs';
import { compareAsync } from '../measure.mjs';

const OPERATION = 'Q4';

const server = await startTemporaryPostgres();
process.env.DATABASE_URL = server.url;
await seed(server.url);

const contestants = {
  'static layer': pollsSchema(layer.static),
  'layer that calls JavaScript': pollsSchema(layer),
};
const requests = requestsOf(OPERATION);
for (const schema of Object.values(contestants)) {
  for (const request of requests.slice(0, 12)) {
    const { data, errors } = await schema.query(request);
    assert.equal(errors, undefined);
    // Without the prototype that a result may lack.
    const answer = JSON.parse(JSON.stringify(data));
    assert.deepEqual(answer, expectedData[OPERATION](request.variables));
  }
}

let next = 0;
for (const width of [1, 32]) {
  await compareAsync(
    `one question with its choices, ${width} in flight`,
    contestants,
    (schema) =>
      Promise.all(
        Array.from({ length: width }, () => schema.execute(requests[next++ % requests.length])),
      ),
    width,
  );
}
await postgres.end();
await server.stop();
