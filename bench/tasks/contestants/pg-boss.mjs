// pg-boss, which fetches 100 jobs at a time and asks as often as it can.
import { PgBoss } from 'pg-boss';

const BATCH = 100;

/** @param {{ databaseUrl: string }} services */
export async function open({ databaseUrl }) {
  const boss = new PgBoss({ connectionString: databaseUrl });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue('bench');
  return {
    add: (payload) => boss.send('bench', payload),
    addMany: (payloads) =>
      boss.insert(
        'bench',
        payloads.map((data) => ({ data })),
      ),
    async work(concurrency, run) {
      const options = { batchSize: BATCH, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true };
      await boss.work('bench', options, async (jobs) => {
        const waiting = jobs.values();
        const lane = async () => {
          for (const { data } of waiting) await run(data);
        };
        await Promise.all(Array.from({ length: concurrency }, lane));
      });
      return () => boss.offWork('bench');
    },
    close: () => boss.stop({ graceful: false }),
  };
}
