// What of node-postgres' tests does not concern another implementation, and why.

const REFUSED_TLS = 'needs a server with TLS; tests/pg/tls.test.ts has one';
const FAKED = "replaces methods of the driver's inner classes";
const UNSEEN =
  'listens for `remove` after the query: a connection no client was lent for has no events';
const KEPT = 'a failed statement does not cost its connection here';
const BY_HAND = 'emits an idle client’s `error` by hand; the connection itself is fine';

/** By a part of the file's name, and by a part of the test's name where only that one is meant. */
const REASONS = [
  ['pg/test/unit/', undefined, 'tests inner modules with a fake socket'],
  ['client/ssl-tests', undefined, REFUSED_TLS],
  ['gh-issues/2085-tests', undefined, REFUSED_TLS],
  [
    'client/pipeline-portal-tests',
    'rejects a custom query class',
    'it works here instead of being refused',
  ],
  [
    'client/pipeline-portal-tests',
    'rejects the rows option',
    'it has no meaning here: rows come together',
  ],
  [
    'gh-issues/2627-tests',
    undefined,
    'expects node-postgres’ wording for a server that speaks nonsense',
  ],
  [
    'gh-issues/3174-tests',
    undefined,
    'feeds a client a wrong order of messages; the core ends such a connection',
  ],
  ['gh-issues/3487-tests', undefined, 'binary results are refused'],
  [
    'pipelining-tests',
    'query_timeout on sent',
    'only that statement is cancelled; the others go on',
  ],
  [
    'connection-pool/error-tests',
    'destroys it immediately',
    'reaches for the array of clients inside the pool',
  ],
  ['idle-timeout.js', 'should timeout and remove', UNSEEN],
  ['lifetime-timeout.js', 'should expire and remove', UNSEEN],
  ['releasing-clients.js', 'cannot be queried', 'ends the inner connection by hand'],
  ['connection-timeout.js', 'continues processing after a connection failure', FAKED],
  ['connection-timeout.js', 'releases newly connected clients', FAKED],
  ['connection-timeout.js', 'native client in connected state', 'there is no pg.native'],
  [
    'error-handling.js',
    'post-checkout client failures',
    'reaches for the array of clients inside the pool',
  ],
  ['error-handling.js', 'error from idle client removes', BY_HAND],
  ['events.js', 'an idle client in the pool hits an error', BY_HAND],
  ['pg-pool/test/index.js', 'removes client if it errors in background', BY_HAND],
  ['events.js', 'only with a successful connection', FAKED],
  ['error-handling.js', 'pool with lots of errors', KEPT],
  ['pg-pool/test/index.js', 'recovers from query errors', KEPT],
  ['idle-timeout.js', 'keeps old behavior', 'idle connections do not keep the process alive here'],
  ['stream-tester', undefined, 'its package cannot be installed from the registry'],
  ['stream-tester-timestamp', undefined, 'its package cannot be installed from the registry'],
];

/** Why a file, or a test that failed, does not count; nothing if it does. */
export function notApplicable(file, test) {
  const reason = REASONS.find(
    ([part, name]) =>
      file.includes(part) && (name === undefined ? test === undefined : test?.includes(name)),
  );
  return reason?.[2];
}
