// Times functions against each other, in wall time and in CPU time of the process with all its threads:
// contestants take turns, the median of the rounds counts.

const ROUNDS = 9;
const ROUND_MS = 200;
// What waits for a server is disturbed more often: short turns let a disturbance hit everybody.
const ASYNC_ROUNDS = 51;
const ASYNC_ROUND_MS = 30;

/** @param {number[]} values */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Formats microseconds. */
function micros(value) {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/**
 * Runs synchronous contestants in turns and prints microseconds per run: median, spread, ratio to the
 * fastest.
 *
 * @template T
 * @param {string} title
 * @param {Record<string, T>} contestants
 * @param {(contestant: T) => unknown} run
 */
export async function compare(title, contestants, run) {
  const timeOf = async (contestant) => timeRound(() => run(contestant));
  await takeTurns(title, contestants, ROUNDS, timeOf);
}

/** The same for contestants that are awaited; each call of `run` counts as so many runs. */
export async function compareAsync(title, contestants, run, runsPerCall = 1) {
  const timeOf = async (contestant) => {
    const { wall, cpu } = await timeRoundAsync(() => run(contestant));
    return { wall: wall / runsPerCall, cpu: cpu / runsPerCall };
  };
  await takeTurns(title, contestants, ASYNC_ROUNDS, timeOf);
}

async function takeTurns(title, contestants, rounds, timeOf) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = -Math.ceil(rounds / 3); round < rounds; round++) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const time = await timeOf(contestant);
      // The first rounds warm up.
      if (round >= 0) times[name].push(time);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const medians = Object.entries(times).map(([name, list]) => ({
    name,
    list: list.map(({ wall }) => wall),
    median: quantile(
      list.map(({ wall }) => wall),
      0.5,
    ),
    cpu: quantile(
      list.map(({ cpu }) => cpu),
      0.5,
    ),
  }));
  const best = Math.min(...medians.map(({ median }) => median));
  console.log(`\n${title} (us per run: median, spread, to the fastest; CPU us)`);
  for (const { name, list, median, cpu } of medians.sort((a, b) => a.median - b.median)) {
    const spread = `${micros(quantile(list, 0))}-${micros(quantile(list, 1))}`;
    console.log(
      `  ${name.padEnd(36)} ${micros(median).padStart(8)}  ${spread.padStart(16)}  ${(median / best).toFixed(2)}x  ${micros(cpu).padStart(8)}`,
    );
  }
}

function timeRound(run) {
  let runs = 0;
  const usage = process.cpuUsage();
  const begin = performance.now();
  let end = begin;
  do {
    for (let i = 0; i < 10; i++) run();
    runs += 10;
    end = performance.now();
  } while (end - begin < ROUND_MS);
  return { wall: ((end - begin) * 1000) / runs, cpu: cpuSince(usage) / runs };
}

async function timeRoundAsync(run) {
  let runs = 0;
  const usage = process.cpuUsage();
  const begin = performance.now();
  let end = begin;
  do {
    await run();
    runs++;
    end = performance.now();
  } while (end - begin < ASYNC_ROUND_MS);
  return { wall: ((end - begin) * 1000) / runs, cpu: cpuSince(usage) / runs };
}

function cpuSince(usage) {
  const { user, system } = process.cpuUsage(usage);
  return user + system;
}
