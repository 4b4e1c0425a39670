// Measures one contestant in a process of its own and prints what it found as JSON:
// `node measure.mjs <module> <variant> <services as JSON> <sizes as JSON>`.
const [module, variant, services, sizes] = process.argv.slice(2);
const { singles, bulks, jobs, latencies } = JSON.parse(sizes);
const IN_FLIGHT = 64;
const BULK = 1_000;

const { open } = await import(`./contestants/${module}.mjs`);
const queue = await open(JSON.parse(services), variant);
const found = {};
let last = 0;
const payload = () => ({ n: ++last });

// What is added here is worked on below.
found.addSingle = await rateOf(singles, async () => {
  let left = singles;
  const lane = async () => {
    while (left-- > 0) await queue.add(payload());
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
});
found.addBulk = await rateOf(bulks * BULK, async () => {
  for (let bulk = 0; bulk < bulks; bulk++) {
    await queue.addMany(Array.from({ length: BULK }, payload));
  }
});
await drain(32, last);

for (const concurrency of [8, 32]) {
  for (let added = 0; added < jobs; added += BULK) {
    await queue.addMany(Array.from({ length: BULK }, payload));
  }
  const usage = process.cpuUsage();
  found[`noop${concurrency}`] = await rateOf(jobs, () => drain(concurrency, jobs));
  const { user, system } = process.cpuUsage(usage);
  found[`cpu${concurrency}`] = (user + system) / jobs;
}

let arrived = () => {};
const stop = await queue.work(8, async (job) => {
  arrived(job.n);
  return job;
});
const times = [];
for (let index = 0; index < latencies; index++) {
  const begin = performance.now();
  const job = payload();
  const done = new Promise((resolve, reject) => {
    arrived = (n) => (n === job.n ? resolve() : reject(new Error(`job ${n} instead of ${job.n}`)));
  });
  await queue.add(job);
  await done;
  times.push(performance.now() - begin);
}
await stop();
times.sort((a, b) => a - b);
found.latencyP50 = times[times.length >> 1];
found.latencyP99 = times[Math.floor(times.length * 0.99)];
await queue.close();
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit());

/** Runs the jobs that wait: each once, with the payload it was added with. */
async function drain(concurrency, count) {
  const first = last - count + 1;
  const seen = new Set();
  let finish;
  const all = new Promise((resolve, reject) => {
    finish = { resolve, reject };
  });
  const stopWork = await queue.work(concurrency, async (job) => {
    if (job.n < first || job.n > last || seen.has(job.n)) {
      finish.reject(new Error(`job ${job.n} came, which was not due`));
    }
    seen.add(job.n);
    if (seen.size === count) finish.resolve();
    return job;
  });
  await all;
  await stopWork();
}

/** Per second. */
async function rateOf(count, work) {
  const begin = performance.now();
  await work();
  return (count * 1_000) / (performance.now() - begin);
}
