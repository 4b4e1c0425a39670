// One side of a round: node process.mjs publish|listen <contestant>
import { createHash } from 'node:crypto';
import { batches, channelNames } from './messages.mjs';

const [role, contestant] = process.argv.slice(2);
const { listen, publisher } = await import(`./contestants/${contestant}.mjs`);
// Sockets and timers of next-puff keep no process alive.
setInterval(() => {}, 60_000);

if (role === 'publish') {
  const publish = publisher();
  process.on('message', async ({ count }) => {
    const usage = process.cpuUsage();
    const begin = process.hrtime.bigint();
    for (const batch of batches(count)) await publish(batch);
    process.send({ begin, cpu: cpuSince(usage) });
  });
  await publish([['bench warm', 'up']]);
  process.send('ready');
} else {
  let expected = 0;
  let heard = 0;
  let usage;
  // The texts of each channel, in their order; only where they are compared.
  let texts;
  await listen(channelNames(), (index, text) => {
    texts?.[index].push(text);
    if (++heard === expected) report();
  });
  const report = () => {
    const end = process.hrtime.bigint();
    const digest = texts && createHash('sha256').update(JSON.stringify(texts)).digest('hex');
    process.send({ end, cpu: cpuSince(usage), digest });
  };
  process.on('message', ({ count, compares }) => {
    expected = count;
    heard = 0;
    texts = compares ? channelNames().map(() => []) : undefined;
    usage = process.cpuUsage();
    process.send('expecting');
  });
  process.send('ready');
}

function cpuSince(usage) {
  const { user, system } = process.cpuUsage(usage);
  return user + system;
}
