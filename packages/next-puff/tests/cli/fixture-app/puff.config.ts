import { defineConfig } from 'next-puff';

const { FIXTURE_REQUESTS_MS, FIXTURE_STUCK_MS } = process.env;

export default defineConfig({
  server: {
    ...(FIXTURE_REQUESTS_MS && { shutdown: { requestsMs: Number(FIXTURE_REQUESTS_MS) } }),
    ...(FIXTURE_STUCK_MS && { workerStuckMs: Number(FIXTURE_STUCK_MS) }),
  },
  commands: {
    where: () => console.log(process.env.DATABASE_URL),
  },
});
