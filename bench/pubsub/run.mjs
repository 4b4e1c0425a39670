// Question: how many messages per second reach 1,000 subscribers of 1,000 channels in another process?
//
// One process publishes, one listens, on a server that nobody else uses; a publisher waits for the server after every 5,000
// messages. Before that, all contestants have to deliver the same messages in the same order.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { startRedis } from '../redis-server.mjs';

const run = promisify(execFile);
const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

const contestants = {
  'next-puff, Redis': { module: 'next-puff', start: startRedisTransport, messages: 500_000 },
  ioredis: { module: 'ioredis', start: startRedisTransport, messages: 500_000 },
  'next-puff, PostgreSQL': { module: 'next-puff', start: startPostgres, messages: 50_000 },
};

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    contestants: { type: 'string', default: Object.keys(contestants).join(';') },
    rounds: { type: 'string', default: '5' },
    compared: { type: 'string', default: '5000' },
  },
});
const names = options.contestants.split(';');
await run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], {
  cwd: pathOf('contestants'),
});

const digests = new Set();
for (const name of names) {
  const [{ digest }] = await measure(name, { messages: Number(options.compared), compares: true });
  digests.add(digest);
}
if (digests.size !== 1) throw new Error('The contestants deliver different messages.');

const found = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const name of round % 2 === 1 ? names : names.toReversed()) {
    const { messages } = contestants[name];
    // The first one warms both processes up.
    const [, result] = await measure(name, { messages, compares: false, times: 2 });
    found[name].push(result);
    console.error(`round ${round}: ${name} ${result.perSecond.toFixed(0)}`);
  }
}
console.log('\nmessages/s delivered: median, spread (CPU us per message: publisher, listener)');
const middle = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
for (const name of names) {
  const rates = found[name].map(({ perSecond }) => perSecond);
  const [low, high] = [Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(0));
  const [published, heard] = ['publisherCpu', 'listenerCpu'].map((side) =>
    middle(found[name].map((result) => result[side])).toFixed(2),
  );
  console.log(
    `  ${name.padEnd(22)} ${middle(rates).toFixed(0).padStart(8)}  ${low}-${high}  (${published}, ${heard})`,
  );
}

/** Runs a contestant on a server of its own, several times in the same processes. */
async function measure(name, { messages, compares, times = 1 }) {
  const { module, start } = contestants[name];
  const server = await start();
  const children = [];
  const begin = async (role) => {
    const { DATABASE_URL: _database, REDIS_URL: _redis, ...env } = process.env;
    const child = fork(pathOf('process.mjs'), [role, module], {
      serialization: 'advanced',
      env: { ...env, NODE_ENV: 'production', ...server.env },
    });
    children.push(child);
    child.on('exit', (code) => code && process.exit(code));
    await once(child, 'message');
    return child;
  };
  try {
    const listener = await begin('listen');
    const publisher = await begin('publish');
    const results = [];
    for (let time = 0; time < times; time++) {
      listener.send({ count: messages, compares });
      await once(listener, 'message');
      publisher.send({ count: messages });
      const [[published], [heard]] = await Promise.all([
        once(publisher, 'message'),
        once(listener, 'message'),
      ]);
      const seconds = Number(heard.end - published.begin) / 1e9;
      results.push({
        digest: heard.digest,
        perSecond: messages / seconds,
        publisherCpu: published.cpu / messages,
        listenerCpu: heard.cpu / messages,
      });
    }
    return results;
  } finally {
    for (const child of children) {
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
    }
    await server.stop();
  }
}

async function startPostgres() {
  const server = await startTemporaryPostgres();
  return { env: { DATABASE_URL: server.url }, stop: () => server.stop() };
}

async function startRedisTransport() {
  const { url, stop } = await startRedis();
  return { env: { REDIS_URL: url }, stop };
}
