// The program behind `puff-server.mjs`, which a build with `output: 'standalone'` leaves beside Next.js'
// `server.js`: the environment says what it says there, the command line what `next-puff start` knows.
import { loadConfig, publishSettings, settingsOf } from '../config/index.cjs';
import { PuffError } from '../errors.js';
import { findNext } from '../next/next-installation.js';
import { reportError, say } from '../report.js';
import { serve } from '../server/serve.js';
import { serveOptionsOf } from '../server/serve-options.js';
import { readStartArguments } from './serve-arguments.js';

const DEFAULT_HOSTNAME = '0.0.0.0';

try {
  const { inspect, ...args } = readStartArguments(process.argv.slice(2));
  if (inspect !== undefined) {
    say('--inspect is an option of Node.js here: node --inspect puff-server.mjs');
    process.exit(2);
  }
  const directory = process.cwd();
  findNext(directory).loadEnv(directory, false);
  const config = loadConfig(directory);
  if (config.server === false) {
    throw new PuffError('PUFF_SERVER_OFF', 'puff.config says `server: false`.', {
      hint: 'Run server.js, or remove that.',
    });
  }
  publishSettings(settingsOf(config), 'cli');
  const { HOSTNAME, KEEP_ALIVE_TIMEOUT } = process.env;
  const keepAliveMs = Number.parseInt(KEEP_ALIVE_TIMEOUT ?? '', 10);
  const options = serveOptionsOf(
    {
      ...args,
      hostname: args.hostname ?? (HOSTNAME || config.server?.hostname || DEFAULT_HOSTNAME),
      keepAliveMs: args.keepAliveMs ?? (keepAliveMs >= 0 ? keepAliveMs : undefined),
    },
    config.server ?? {},
    { isDev: false, hasParent: false },
  );
  await serve(options);
} catch (error) {
  reportError(error);
  process.exit(1);
}
