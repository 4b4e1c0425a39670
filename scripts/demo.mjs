#!/usr/bin/env node
// `npm run demo`: from a fresh clone to the polls app in the browser. With --check, walks through it instead of
// waiting for you, and says what it saw. Plain Node without dependencies: nothing is installed when it starts.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ChildFailure, Children } from './demo/children.mjs';
import { installPackages } from './demo/install.mjs';
import { choosePort } from './demo/port.mjs';
import { Progress } from './demo/progress.mjs';
import { checkRequirements } from './demo/requirements.mjs';
import { startApp } from './demo/server.mjs';
import { walk } from './demo/walk.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const APP = join(ROOT, 'examples/next-app');
const TURBO = join(ROOT, 'node_modules/turbo/bin/turbo');
const NEXT_PUFF = join(ROOT, 'packages/next-puff/bin/next-puff.js');

const USAGE = `Usage: npm run demo -- [options]

Installs and builds everything, starts the embedded PostgreSQL, fills it with polls and serves them.

  --check               walk through the app, say what was seen, stop; exit 0, or 1 with what differed
  --port <number>       serve on this port (otherwise 3000, or the next one that is free)
  --questions <number>  how many questions to seed (otherwise the 12 samples)
  --database-url <url>  use this PostgreSQL instead of the embedded one
  --verbose             show what the tools print
  --help                show this`;

const options = readOptions();
const progress = new Progress();
const children = new Children({ isVerbose: options.verbose });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopAndExit(signal));

try {
  process.exitCode = await demo();
} catch (error) {
  if (!children.isStopping) {
    console.error(`\n${error.message}`);
    if (error instanceof ChildFailure) console.error(`\n${error.output}`);
    process.exitCode = 1;
  }
} finally {
  await children.stopAll();
}

async function demo() {
  await progress.step('Look for Node.js, npm and Rust', () => checkRequirements(ROOT));
  const port = await choosePort(options.port);
  await progress.step('Install the packages', () => installPackages(ROOT, children));
  await progress.step('Build the native core and the packages', () => build('./packages/*'));

  const env = appEnvironment();
  await progress.step(
    options['database-url'] ? 'Migrate the database' : 'Start the embedded PostgreSQL, migrate',
    () => nextPuff(env, 'migrate', 'deploy'),
  );
  const seedArguments = options.questions ? ['--', '--questions', options.questions] : [];
  await progress.step('Seed', () => nextPuff(env, 'run', 'seed', ...seedArguments));
  await progress.step('Build the polls app', () => build('next-puff-polls'));
  const app = await progress.step('Start it', () =>
    startApp(children, { nextPuff: NEXT_PUFF, cwd: APP, env, port }),
  );

  if (options.check) {
    console.log(`\nA walk through ${app.origin}\n`);
    const differences = await walk(app.origin);
    await progress.step('Stop it', () => app.stop(), { isQuiet: true });
    if (differences.length > 0) {
      console.error(
        `\n${differences.length} differed:\n${differences.map((line) => `  ${line}`).join('\n')}`,
      );
      return 1;
    }
    console.log('\nAll as it should be.');
    return 0;
  }

  console.log(`
  Polls            ${app.origin}/
  Ask a question   ${app.origin}/polls/new
  JSON             ${app.origin}/api/questions
  CSV              ${app.origin}/api/questions/export
  Health           ${app.origin}/api/health

Ctrl-C stops the app and its database. The data stays in ${options['database-url'] ? 'your database' : 'examples/next-app/.puff'}.`);
  const { code, output } = await app.ended;
  if (children.isStopping) return 0;
  throw new ChildFailure(`The app ended by itself (${code}).`, output);
}

/** Builds with turbo, which skips what has not changed. */
async function build(filter) {
  const output = await children.run(
    process.execPath,
    [TURBO, 'run', 'build', `--filter=${filter}`],
    {
      cwd: ROOT,
      env: toolEnvironment(),
    },
  );
  const cached = /(\d+) cached, (\d+) total/.exec(output);
  if (!cached) return undefined;
  return cached[1] === cached[2]
    ? 'nothing changed'
    : `${cached[2] - cached[1]} of ${cached[2]} built`;
}

/** Runs `next-puff` in the app and answers the last line it printed. */
async function nextPuff(env, ...args) {
  const output = await children.run(process.execPath, [NEXT_PUFF, ...args], { cwd: APP, env });
  return output.trim().split('\n').at(-1);
}

/** What every tool gets: none of them may report home. */
function toolEnvironment() {
  const env = {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    CHECKPOINT_DISABLE: '1',
    DO_NOT_TRACK: '1',
  };
  // What belongs to another app or another database must not leak into this one.
  for (const name of Object.keys(env)) {
    if (/^(DATABASE_URL|REDIS_URL|PG[A-Z]+|NEXT_PUFF_.*|NODE_ENV|PORT|HOSTNAME)$/.test(name))
      delete env[name];
  }
  return env;
}

function appEnvironment() {
  const env = toolEnvironment();
  if (options['database-url']) env.DATABASE_URL = options['database-url'];
  return env;
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        check: { type: 'boolean', default: false },
        port: { type: 'string' },
        questions: { type: 'string' },
        'database-url': { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (!values.help) return values;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function stopAndExit(signal) {
  if (children.isStopping) return;
  progress.interrupt(`Stopping (${signal}) …`);
  await children.stopAll();
  process.exit(signal === 'SIGINT' ? 130 : 143);
}
