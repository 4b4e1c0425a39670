import { startTemporaryPostgres } from 'next-puff/embedded';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';
import { conformance } from './suite.ts';

conformance('postgres', async () => {
  // Without it a server that is killed forgets what it has just committed.
  const server = await startTemporaryPostgres({ settings: { synchronous_commit: 'on' } });
  return {
    open: () => postgresTaskStore({ options: { url: server.url } }),
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: () => server.stop(),
  };
});
