import { defineConfig } from 'next-puff/config';

export default defineConfig({
  requests: { deadlineMs: 20_000 },
  server: { metrics: { path: '/metrics' } },
});
