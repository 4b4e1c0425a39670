// next-puff: its engine on PostgreSQL, or BullMQ on Redis by its client.

const NEW_JOB = {
  task: 'noop',
  queue: 'bench',
  priority: 0,
  timeoutMs: 0,
  keepResultMs: 3_600_000,
  maxAttempts: 1,
  backoff: { type: 'fixed', delayMs: 0, maxDelayMs: 0 },
};

/** @param {{ databaseUrl: string, redisUrl: string }} services @param {string} variant */
export async function open({ databaseUrl, redisUrl }, variant) {
  const store = await openStore(variant, databaseUrl, redisUrl);
  const job = (payload) => ({
    ...NEW_JOB,
    payload: JSON.stringify(payload),
    runAt: Date.now(),
    delayMs: 0,
  });
  return {
    add: (payload) => store.add([job(payload)]),
    addMany: (payloads) => store.add(payloads.map(job)),
    work(concurrency, run) {
      const worker = store.work({
        queues: ['bench'],
        concurrency,
        leaseMs: 15_000,
        limits: new Map(),
        run: async ({ payload }) => {
          const result = await run(JSON.parse(payload));
          return { type: 'completed', result: JSON.stringify(result) };
        },
        onTrouble: (error) => error && console.error(error),
      });
      return () => worker.close({ timeoutMs: 10_000 });
    },
    close: () => store.close(),
  };
}

async function openStore(variant, databaseUrl, redisUrl) {
  const tasks = (path) => import(new URL(`dist/tasks/${path}.js`, packageUrl()));
  if (variant === 'bullmq') {
    const { bullmqTaskStore } = await tasks('bullmq/index');
    return bullmqTaskStore({ redis: { url: redisUrl } });
  }
  const { postgresTaskStore } = await tasks('postgres/index');
  return postgresTaskStore({ options: { url: databaseUrl } });
}

function packageUrl() {
  return new URL('../', import.meta.resolve('next-puff'));
}
