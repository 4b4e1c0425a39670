// The load where there is no wrk: node autocannon.mjs <connections> <seconds> <url> <file>
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

const [connections, seconds, url, file] = process.argv.slice(2);
const headers = {
  'content-type': 'application/json',
  accept: 'application/graphql-response+json, application/json',
};
const bodies = readFileSync(file, 'utf8').trim().split('\n');
const result = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  timeout: 20,
  requests: bodies.map((body) => ({ method: 'POST', headers, body })),
});
const { latency, requests, duration, errors, timeouts, non2xx } = result;
const summary = {
  requests: requests.total,
  seconds: duration,
  errors: errors + timeouts + non2xx,
  p50: latency.p50,
  p99: latency.p99,
};
console.log(`JSON ${JSON.stringify(summary)}`);
