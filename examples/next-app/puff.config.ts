import { defineConfig } from 'next-puff/config';

export default defineConfig({
  requests: { deadlineMs: 10_000 },
  commands: {
    // Imported only when one runs: `next build` reads this file too, and needs neither.
    migrate: async () => (await import('./database/migrate')).migrate(),
    seed: async ({ args }) => (await import('./database/seed')).seed(args),
  },
});
