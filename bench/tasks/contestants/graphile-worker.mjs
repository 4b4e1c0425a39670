// graphile-worker: as it comes, or with its local queue and batched completions.
import { Logger, makeWorkerUtils, run as runWorker } from 'graphile-worker';

const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message);
});

/** @param {{ databaseUrl: string }} services @param {string} variant */
export async function open({ databaseUrl }, variant) {
  const utils = await makeWorkerUtils({ connectionString: databaseUrl, logger });
  await utils.migrate();
  const tuned = {
    worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
  };
  return {
    add: (payload) => utils.addJob('noop', payload),
    addMany: (payloads) =>
      utils.addJobs(payloads.map((payload) => ({ identifier: 'noop', payload }))),
    async work(concurrency, run) {
      const runner = await runWorker({
        connectionString: databaseUrl,
        concurrency,
        noHandleSignals: true,
        logger,
        preset: variant === 'local-queue' ? tuned : {},
        taskList: { noop: async (payload) => void (await run(payload)) },
      });
      return () => runner.stop();
    },
    close: () => utils.release(),
  };
}
