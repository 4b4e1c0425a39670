// Runs node-postgres' own tests against next-puff/pg.
//
//   git clone https://github.com/brianc/node-postgres /tmp/node-postgres
//   node packages/next-puff/tests/pg/suite/run.mjs /tmp/node-postgres [part of a file's name]
//
// Nothing of the checkout is changed: its packages are copied to a temporary folder, where `pg` and
// `pg-pool` become next-puff/pg. The server is one that this program starts. With --real as a further
// argument the checkout's own driver is tested, to see what fails here for other reasons.
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { notApplicable } from './not-applicable.mjs';

const TOOLS = [
  'mocha@11.7.5',
  'async@2.6.4',
  'bluebird@3.7.2',
  'co@4.6.0',
  'expect.js@0.3.1',
  'lodash@4.17.21',
  'tsx@4.20.6',
  'JSONStream@1.3.5',
  'concat-stream@1.0.1',
  'pg-copy-streams@0.3.0',
];
const MINUTE = 60_000;

const [checkout, ...rest] = process.argv.slice(2);
if (checkout === undefined || !existsSync(join(checkout, 'packages/pg/test'))) {
  console.error('Usage: node run.mjs <checkout of node-postgres> [part of a file name] [--real]');
  process.exit(2);
}
const isReal = rest.includes('--real');
const filter = rest.find((argument) => !argument.startsWith('--')) ?? '';
const require = createRequire(import.meta.url);
const driver = fileURLToPath(import.meta.resolve('next-puff/pg'));

const folder = prepare();
const server = await startTemporaryPostgres({ settings: { max_connections: '100' } });
const address = new URL(server.url);
const environment = {
  ...process.env,
  PGHOST: address.searchParams.get('host') ?? address.hostname,
  PGPORT: address.searchParams.get('port') ?? (address.port || '5432'),
  PGUSER: decodeURIComponent(address.username),
  PGPASSWORD: decodeURIComponent(address.password),
  PGDATABASE: address.pathname.slice(1),
  NODE_NO_WARNINGS: '1',
};
delete environment.DATABASE_URL;
const outcomes = [];
try {
  await runPgFiles();
  for (const name of ['pg-pool', 'pg-cursor', 'pg-query-stream']) await runMocha(name);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
summarize();

/** Copies the packages, puts the driver in, and installs what the tests use. */
function prepare() {
  const tools = join(tmpdir(), 'next-puff-node-postgres-tools');
  if (!existsSync(join(tools, 'node_modules/tsx'))) {
    mkdirSync(tools, { recursive: true });
    writeFileSync(join(tools, 'package.json'), '{}');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', ...TOOLS], {
      cwd: tools,
      stdio: 'inherit',
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'node-postgres-suite-'));
  const packages = join(folder, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(tools, 'node_modules'))) {
    symlinkSync(join(tools, 'node_modules', name), join(packages, name));
  }
  for (const name of ['pg', 'pg-pool', 'pg-cursor', 'pg-query-stream']) {
    cpSync(join(checkout, 'packages', name), join(packages, name), { recursive: true });
  }
  for (const name of ['pg-types', 'pg-protocol', 'pg-connection-string', 'pgpass', 'split2']) {
    if (existsSync(join(packages, name))) continue;
    symlinkSync(packageFolder(name), join(packages, name));
  }
  cpSync(new URL('suite.cjs', import.meta.url), join(packages, 'pg/test/suite.js'));
  // Its sources are TypeScript, and what is published is not in the repository.
  const stream = join(packages, 'pg-query-stream/dist');
  mkdirSync(stream, { recursive: true });
  writeFileSync(
    join(stream, 'index.js'),
    `module.exports = require(${JSON.stringify(require.resolve('pg-query-stream'))});`,
  );
  if (!isReal) {
    const lib = join(packages, 'pg/lib');
    const load = `require(${JSON.stringify(driver)})`;
    writeFileSync(join(lib, 'index.js'), `module.exports = ${load};`);
    writeFileSync(join(lib, 'client.js'), `module.exports = ${load}.Client;`);
    writeFileSync(join(lib, 'query.js'), `module.exports = ${load}.Query;`);
    writeFileSync(join(lib, 'defaults.js'), `module.exports = ${load}.defaults;`);
    writeFileSync(join(packages, 'pg-pool/index.js'), `module.exports = ${load}.Pool;`);
  }
  return folder;
}

function packageFolder(name) {
  const [root] = require.resolve
    .paths(name)
    .map((place) => join(place, name))
    .filter((place) => existsSync(place));
  return root;
}

function filesBelow(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function runPgFiles() {
  const root = join(folder, 'node_modules/pg');
  for (const file of filesBelow(join(root, 'test')).filter((name) =>
    /test\/(integration|unit)\/.*-tests\.js$/.test(name),
  )) {
    const name = `pg/${relative(root, file)}`;
    if (!name.includes(filter)) continue;
    const reason = notApplicable(name);
    if (reason !== undefined && !isReal) {
      outcomes.push({ file: name, name: '', state: 'not applicable', error: reason });
      continue;
    }
    const { code, output, reports } = await runNode([file, 'postgres://'], root);
    const tests = reports
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    for (const test of tests) record(name, test);
    // Files from before the suite have no tests with names: the file is the test.
    if (tests.length === 0) {
      record(name, {
        name: '',
        state: code === 0 ? 'passed' : 'failed',
        error: output.slice(-2000),
      });
    } else if (code !== 0 && tests.every(({ state }) => state !== 'failed')) {
      record(name, { name: '(the process)', state: 'failed', error: output.slice(-2000) });
    }
  }
}

async function runMocha(packageName) {
  const root = join(folder, 'node_modules', packageName);
  const mocha = join(folder, 'node_modules/mocha/bin/mocha.js');
  for (const file of filesBelow(join(root, 'test')).filter((name) => /\.(js|ts)$/.test(name))) {
    const name = `${packageName}/${relative(root, file)}`;
    if (!name.includes(filter) || /helper\.ts$|setup\.js$/.test(name)) continue;
    const reason = notApplicable(name);
    if (reason !== undefined && !isReal) {
      outcomes.push({ file: name, name: '', state: 'not applicable', error: reason });
      continue;
    }
    const report = join(folder, 'report.json');
    rmSync(report, { force: true });
    const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
    const { output } = await runNode(
      [
        ...loader,
        mocha,
        '--exit',
        '--timeout',
        '10000',
        '--reporter',
        'json',
        '--reporter-option',
        `output=${report}`,
        file,
      ],
      root,
    );
    let tests;
    try {
      ({ tests } = JSON.parse(
        await import('node:fs').then(({ readFileSync }) => readFileSync(report, 'utf8')),
      ));
    } catch {
      record(name, { name: '(the process)', state: 'failed', error: output.slice(-2000) });
      continue;
    }
    for (const { fullTitle, err, duration } of tests) {
      const isFailed = Object.keys(err).length > 0;
      const state = isFailed ? 'failed' : duration === undefined ? 'skipped' : 'passed';
      record(name, { name: fullTitle, state, error: err.stack ?? err.message });
    }
  }
}

function runNode(args, cwd) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let reports = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    child.stdio[3].on('data', (chunk) => {
      reports += chunk;
    });
    const timer = setTimeout(() => {
      output += '\nkilled: not done within a minute';
      child.kill('SIGKILL');
    }, MINUTE);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, reports });
    });
  });
}

function record(file, { name, state, error }) {
  const reason = state === 'failed' && !isReal ? notApplicable(file, name) : undefined;
  const outcome =
    reason === undefined
      ? { file, name, state, error }
      : { file, name, state: 'not applicable', error: reason };
  outcomes.push(outcome);
  if (outcome.state === 'failed')
    console.log(
      `FAILED ${file} ${name}\n    ${String(error).trim().split('\n').slice(0, 12).join('\n    ')}\n`,
    );
}

function summarize() {
  const groups = new Map();
  for (const { file, state } of outcomes) {
    const group = file.startsWith('pg/') ? `pg/${file.split('/')[2]}` : file.split('/')[0];
    const counts = groups.get(group) ?? {};
    counts[state] = (counts[state] ?? 0) + 1;
    groups.set(group, counts);
  }
  console.table(Object.fromEntries(groups));
  const reasons = outcomes.filter(({ state }) => state === 'not applicable');
  for (const { file, name, error } of reasons) console.log(`n/a  ${file} ${name}: ${error}`);
  if (outcomes.some(({ state }) => state === 'failed')) process.exitCode = 1;
}
