// Everything about the processes that serve an app; one file, because all of it uses one build.
import { afterAll, afterEach, beforeAll, jest } from '@jest/globals';
import { cleanUp, eventually, FIXTURE_APP, processesOf } from '../../cli/support/cli';
import { developmentTests } from './dev';
import { buildFixture, forgetFixture } from './fixture';
import { shutdownTests } from './shutdown';
import { standaloneTests } from './standalone';
import { startTests } from './start';
import { workerTests } from './workers';

jest.setTimeout(60_000);

beforeAll(buildFixture, 180_000);

afterEach(async () => {
  await cleanUp();
  await eventually(() => processesOf(FIXTURE_APP).length === 0, 'all processes have ended');
});
afterAll(forgetFixture);

startTests();
shutdownTests();
workerTests();
standaloneTests();
developmentTests();
