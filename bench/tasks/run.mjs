// Question: how many background tasks can be added and run per second, and how soon does one run?
//
// Each contestant runs in a process of its own, which adds tasks and works on them; stores are fresh in every round. A run
// does nothing but answer its payload. Times of working include that the worker starts and stops.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { startRedis } from '../redis-server.mjs';
import { contestants } from './contestants.mjs';

const run = promisify(execFile);
const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const COLUMNS = {
  addSingle: ['adds/s, 64 in flight', 0],
  addBulk: ['adds/s, by 1,000', 0],
  noop8: ['runs/s, 8 at a time', 0],
  cpu8: ['CPU us per run', 1],
  noop32: ['runs/s, 32 at a time', 0],
  cpu32: ['CPU us per run', 1],
  latencyP50: ['ms to the run, median', 2],
  latencyP99: ['ms, 99 %', 2],
};

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    contestants: { type: 'string', default: Object.keys(contestants).join(';') },
    rounds: { type: 'string', default: '5' },
    singles: { type: 'string', default: '5000' },
    bulks: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '10000' },
    latencies: { type: 'string', default: '300' },
  },
});
const names = options.contestants.split(';');
const sizes = {};
for (const name of ['singles', 'bulks', 'jobs', 'latencies']) sizes[name] = Number(options[name]);

await run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], {
  cwd: pathOf('contestants'),
});
const found = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const name of round % 2 === 1 ? names : names.toReversed()) {
    found[name].push(await measure(name));
    console.error(`round ${round}: ${name}`);
  }
}
for (const [column, [title, digits]] of Object.entries(COLUMNS)) {
  console.log(`\n${title}: median, spread`);
  for (const name of names) {
    const values = found[name].map((one) => one[column]).sort((a, b) => a - b);
    const [low, median, high] = [values[0], values[values.length >> 1], values.at(-1)];
    const text = (value) => value.toFixed(digits);
    console.log(
      `  ${name.padEnd(30)} ${text(median).padStart(9)}  ${`${text(low)}-${text(high)}`.padStart(18)}`,
    );
  }
}

/** Everything about one contestant, on stores of its own. */
async function measure(name) {
  const postgres = await startTemporaryPostgres();
  const redis = await startQueueRedis();
  try {
    const { module, variant } = contestants[name];
    const services = { databaseUrl: postgres.url, redisUrl: redis.url };
    const args = [pathOf('measure.mjs'), module, variant];
    args.push(JSON.stringify(services), JSON.stringify(sizes));
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${name} failed (${code})`);
    return JSON.parse(output);
  } finally {
    await postgres.stop();
    await redis.stop();
  }
}

/** A Redis with an append-only file, as queues need it. */
async function startQueueRedis() {
  const directory = await mkdtemp(join(tmpdir(), 'next-puff-bench-'));
  const redis = await startRedis([
    ...['--dir', directory, '--appendonly', 'yes', '--save', ''],
    ...['--maxmemory-policy', 'noeviction'],
  ]);
  return {
    url: redis.url,
    async stop() {
      await redis.stop();
      await rm(directory, { recursive: true });
    },
  };
}
