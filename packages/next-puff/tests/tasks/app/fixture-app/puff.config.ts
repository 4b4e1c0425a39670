import { defineConfig } from 'next-puff';

const { FIXTURE_WORKER, FIXTURE_SHUTDOWN_MS } = process.env;

export default defineConfig({
  server: { metrics: { path: '/metrics' } },
  tasks: {
    worker: FIXTURE_WORKER !== 'off',
    concurrency: 8,
    shutdownMs: Number(FIXTURE_SHUTDOWN_MS ?? 60_000),
  },
});
