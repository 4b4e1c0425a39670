import { defineConfig } from 'next-puff/config';

export default defineConfig({
  requests: { deadlineMs: 10_000 },
  commands: {
    // Imported only when it runs: `next build` reads this file too, and does not need it.
    seed: async ({ args }) => (await import('./database/seed')).seed(args),
  },
});
