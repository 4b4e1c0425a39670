#!/usr/bin/env node
// `npm test`: does all set-up and runs every check there is. Plain Node without dependencies: nothing is installed
// when it starts. Builds that are up to date are skipped; nothing outside the repository is needed or touched.
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ChildFailure, Children } from './demo/children.mjs';
import { installPackages } from './demo/install.mjs';
import { Progress } from './demo/progress.mjs';
import { checkRequirements } from './demo/requirements.mjs';
import { findRedisServer } from './test/redis-server.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NATIVE = join(ROOT, 'packages/core-native');
const PACKAGE = join(ROOT, 'packages/next-puff');

/** Test files that may fail in a run and pass alone. */
const MOST_UNSTEADY = 5;
const bin = (path) => join(ROOT, 'node_modules', path);

const USAGE = `Usage: npm test -- [options]

Installs and builds everything, then checks format, lint and types and runs all tests.

  --only <step>   one of: lint, types, rust, jest, walk (set-up comes first all the same)
  --verbose       show what the tools print
  --help          show this`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}

const progress = new Progress();
const children = new Children({ isVerbose: options.verbose });
let passed = 0;
let failed = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, async () => {
    await children.stopAll();
    process.exit(1);
  });
}

// Services of this machine must not be what the tests pass against.
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', TURBO_TELEMETRY_DISABLED: '1' };
for (const name of Object.keys(env)) {
  if (/^(DATABASE_URL|REDIS_URL|PG[A-Z]+|NEXT_PUFF_.*)$/.test(name)) delete env[name];
}

try {
  await progress.step('Look for Node.js, npm and Rust', () => checkRequirements(ROOT));
  await progress.step('Look for a Redis server', async () => {
    const announce = (message) => progress.interrupt(message);
    env.REDIS_SERVER_BIN = await findRedisServer(children, announce);
    return env.REDIS_SERVER_BIN;
  });
  await progress.step('Install the packages', () => installPackages(ROOT, children));
  await progress.step('Build the native core and the packages', () =>
    turbo('build', './packages/*'),
  );
  await check('lint', 'TypeScript format and lint', lintTypeScript);
  await check('lint', 'Rust format', () => cargo('fmt', '--all', '--check'));
  await check('lint', 'Rust lint', () =>
    cargo('clippy', '--workspace', '--all-targets', '--quiet', '--', '-D', 'warnings'),
  );
  await check('types', 'Types of tests and example', () => turbo('types'));
  await check('rust', 'Rust tests', testRust);
  await check('jest', 'Jest', testJest);
  await check('walk', 'Walk through the polls app', walkThroughApp);
  if (options.only !== undefined && passed + failed === 0) {
    throw new Error(`There is no step ${options.only}.\n\n${USAGE}`);
  }
} catch (error) {
  failed++;
  report(error);
} finally {
  await children.stopAll();
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a step that counts as one test, or as the counts that it answers; the next steps run all the same. */
async function check(name, title, work) {
  if (options.only !== undefined && options.only !== name) return;
  try {
    await progress.step(title, async () => {
      const counts = (await work()) ?? { passed: 1 };
      passed += counts.passed;
      return counts.passed === 1 ? undefined : `${counts.passed} passed`;
    });
  } catch (error) {
    failed += error.failed ?? 1;
    passed += error.passed ?? 0;
    report(error);
  }
}

function report(error) {
  if (children.isStopping) return;
  console.error(`\n${error.message}`);
  if (error instanceof ChildFailure) console.error(`\n${error.output}`);
}

function turbo(task, ...filters) {
  const args = [bin('turbo/bin/turbo'), 'run', task, '--output-logs=errors-only'];
  const filter = filters.map((name) => `--filter=${name}`);
  return children.run(process.execPath, [...args, ...filter], { cwd: ROOT, env }).then(() => {});
}

function cargo(...args) {
  return children.run('cargo', args, { cwd: NATIVE, env }).then(() => {});
}

async function lintTypeScript() {
  const args = [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'];
  await children.run(process.execPath, args, { cwd: ROOT, env });
}

/** Rust tests want a server; they get a fresh one of the package's own. */
async function testRust() {
  const embedded = pathToFileURL(join(PACKAGE, 'dist/embedded/index.js')).href;
  const { startTemporaryPostgres } = await import(embedded);
  const server = await startTemporaryPostgres();
  const test = (...args) =>
    children.run('cargo', ['test', '--quiet', ...args], {
      cwd: NATIVE,
      env: { ...env, PUFF_TEST_DATABASE_URL: server.url },
    });
  const count = (output) =>
    [...output.matchAll(/^test result: \w+\. (\d+) passed/gm)].reduce(
      (sum, [, passed]) => sum + Number(passed),
      0,
    );
  try {
    return { passed: count(await test('--workspace', '--no-fail-fast')) };
  } catch (error) {
    // Cargo ends with the list of what failed, each as the arguments to run it by.
    const targets = [...(error.output ?? '').matchAll(/^ {4}`(-p [^`]+)`$/gm)].map(
      ([, args]) => args,
    );
    if (!mayTryAgain(targets)) throw error;
    const { output } = error;
    for (const args of targets) await test(...args.split(' '));
    reportUnsteady(targets, output);
    return { passed: count(output) + targets.length };
  } finally {
    await server.stop();
  }
}

async function testJest() {
  const results = join(tmpdir(), `next-puff-jest-${process.pid}.json`);
  const test = (...files) => {
    const args = ['--experimental-vm-modules', '--no-warnings', bin('jest/bin/jest.js')];
    args.push('--json', `--outputFile=${results}`, ...files);
    return children.run(process.execPath, args, { cwd: PACKAGE, env });
  };
  const read = () => (existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined);
  try {
    await test();
    return { passed: read().numPassedTests };
  } catch (error) {
    const first = read();
    const files = (first?.testResults ?? [])
      .filter(({ status }) => status === 'failed')
      .map(({ name }) => name);
    // A file that cannot be loaded has no tests to fail.
    const counts = {
      passed: first?.numPassedTests ?? 0,
      failed: Math.max(first?.numFailedTests ?? 0, 1),
    };
    if (!mayTryAgain(files)) throw Object.assign(error, counts);
    try {
      await test('--runInBand', '--runTestsByPath', ...files);
    } catch (again) {
      throw Object.assign(again, counts);
    }
    reportUnsteady(files, error.output);
    return { passed: counts.passed + first.numFailedTests };
  }
}

/** A few test files may have failed because the machine was busy: they run again, without others beside them. */
function mayTryAgain(files) {
  return files.length > 0 && files.length <= MOST_UNSTEADY && !children.isStopping;
}

/** What failed once and passed by itself is no failure of the code, but somebody should look at the test. */
function reportUnsteady(files, output) {
  console.error(`\n${output}`);
  console.error(`\nUnsteady: failed beside others, and passed alone:\n  ${files.join('\n  ')}`);
}

async function walkThroughApp() {
  await children.run(process.execPath, [join(ROOT, 'scripts/demo.mjs'), '--check'], {
    cwd: ROOT,
    env,
  });
}
