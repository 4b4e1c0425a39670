// Question: what do 10,000 idle WebSockets cost, and how long does a message take to 5,000 subscribers?
//
// graphql-transport-ws, one subscription per socket. The client is written in Rust, so that the servers
// are what is measured; it needs two sockets per connection of the machine's limit of open files.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { buildNext, buildRust, puffProgram } from '../graphql/building.mjs';
import { cpuSeconds, residentMemory } from '../graphql/processes.mjs';
import { startServer } from '../servers.mjs';

const run = promisify(execFile);
const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const QUERY = 'subscription { score { id text votes } }';

const contestants = {
  'graphql-ws': {
    publish: '/',
    async build() {
      const directory = pathOf('contestants');
      await run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], {
        cwd: directory,
      });
      return () => [`${directory}/graphql-ws.mjs`];
    },
  },
  'next-puff': {
    publish: '/api/publish',
    async build() {
      const app = pathOf('app');
      await buildNext(app);
      return (port) => [puffProgram(), 'start', app, `--port=${port}`, '--hostname=127.0.0.1'];
    },
  },
};

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    contestants: { type: 'string', default: Object.keys(contestants).join(',') },
    subscribers: { type: 'string', default: '5000' },
    idle: { type: 'string', default: '10000' },
    messages: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
  },
});
const names = options.contestants.split(',');
const client = `${await buildRust(pathOf('client'))}/bench-websockets-client`;
const commands = {};
for (const name of names) commands[name] = await contestants[name].build();

const fanOuts = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const name of round % 2 === 1 ? names : names.toReversed()) {
    fanOuts[name].push(await withServer(name, (server) => fanOut(server, name)));
  }
}
console.log(`\none message to ${options.subscribers} subscribers, ms (CPU ms of the server)`);
for (const name of names) {
  const times = fanOuts[name].flatMap(({ times }) => times).sort((a, b) => a - b);
  const cpu = fanOuts[name].map(({ cpu }) => cpu).sort((a, b) => a - b);
  const [first, last] = [times[0], times.at(-1)].map((time) => time.toFixed(1));
  const middle = (list) => list[list.length >> 1].toFixed(1);
  console.log(`  ${name.padEnd(12)} ${middle(times)}  ${first}-${last}  (${middle(cpu)})`);
}
console.log(`\nmemory of ${options.idle} idle subscriptions, MB over the idle server`);
for (const name of names) {
  const { before, after } = await withServer(name, (server) => idle(server));
  console.log(`  ${name.padEnd(12)} ${(after - before).toFixed(0)}  (${after.toFixed(0)} in all)`);
}

async function fanOut(server, name) {
  const load = await openSockets(server, Number(options.subscribers));
  const times = [];
  const messages = Number(options.messages);
  let cpu = 0;
  try {
    // The first messages compile code.
    for (let message = -5; message < messages; message++) {
      if (message === 0) cpu = cpuSeconds(server.pid);
      load.stdin.write('\n');
      const body = JSON.stringify({ id: `${message}`, text: 'a message of some length', votes: 3 });
      const line = once(load.lines, 'line');
      await fetch(server.url + contestants[name].publish, { method: 'POST', body });
      const [time] = await line;
      if (message >= 0) times.push(Number(time));
    }
    return { times, cpu: ((cpuSeconds(server.pid) - cpu) * 1000) / messages };
  } finally {
    load.kill();
  }
}

async function idle(server) {
  const before = residentMemory(server.pid, 'VmRSS');
  const load = await openSockets(server, Number(options.idle));
  const after = residentMemory(server.pid, 'VmRSS');
  load.kill();
  return { before, after };
}

async function openSockets(server, sockets) {
  const load = spawn(client, [server.address, '/api/graphql', QUERY, `${sockets}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  load.lines = createInterface(load.stdout);
  const failed = once(load, 'exit').then(() => {
    throw new Error('the client ended before its sockets were open');
  });
  await Promise.race([once(load.lines, 'line'), failed]);
  failed.catch(() => {});
  return load;
}

async function withServer(name, use) {
  const { publish } = contestants[name];
  const ask = (port) => fetch(`http://127.0.0.1:${port}${publish}`);
  // Nothing here asks a database.
  const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
  const command = (port) => [process.execPath, ...commands[name](port)];
  const { port, pid, stop } = await startServer(name, command, ask, env);
  const address = `127.0.0.1:${port}`;
  try {
    return await use({ address, url: `http://${address}`, pid });
  } finally {
    await stop();
  }
}
