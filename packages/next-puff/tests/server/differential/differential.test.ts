import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, jest, test } from '@jest/globals';
import { BuiltApp, type Variant } from '../support/built-app.ts';
import { readMatrix, readRequests, readSequences } from './case-file.ts';
import { Pair } from './pair.ts';
import { startUpstream } from './upstream.ts';

jest.setTimeout(300_000);

/** Starts both servers for a variant of the app, and the other server that its rewrites lead to. */
function compares(variant: Variant): () => { app: BuiltApp; pair: Pair } {
  let app: BuiltApp;
  let upstream: Server;
  let pair: Pair;
  beforeAll(async () => {
    app = await BuiltApp.of(variant);
    upstream = await startUpstream(app.upstreamPort);
    pair = await Pair.start(app);
  });
  afterAll(async () => {
    await pair?.stop();
    upstream?.close();
  });
  return () => ({ app, pair });
}

describe('an app with every kind of route', () => {
  const both = compares('every-route');

  test('every kind of path, asked in every way', () =>
    both().pair.expectSame(readMatrix('paths.txt')));

  test.each(['routing', 'files', 'handlers', 'actions', 'streaming'])(
    'single requests: %s',
    (name) => both().pair.expectSame(readRequests(`${name}.txt`)),
  );

  test('what depends on what was asked before', async () => {
    const fresh = await Pair.start(both().app);
    try {
      await fresh.expectSame(readSequences('sequences.txt'), { inTurn: true });
    } finally {
      await fresh.stop();
    }
  });
});

describe('the same below a base path, with slashes at the end, behind a proxy', () => {
  const both = compares('based');

  test('every kind of path, asked in every way', () =>
    both().pair.expectSame(readMatrix('based-paths.txt')));

  test('single requests', () => both().pair.expectSame(readRequests('based-routing.txt')));
});

describe('an app whose pages are prerendered in part, with languages for the Pages Router', () => {
  const both = compares('partial');

  test('every kind of path, asked in every way', () =>
    both().pair.expectSame(readMatrix('partial-paths.txt')));

  test('single requests', () => both().pair.expectSame(readRequests('partial-requests.txt')));

  test('what depends on what was asked before', () =>
    both().pair.expectSame(readSequences('partial-sequences.txt'), { inTurn: true }));
});
