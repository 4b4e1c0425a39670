import { startTemporaryPostgres } from 'next-puff/embedded';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';
import { conformance } from './suite.ts';

conformance('postgres', async () => {
  const server = await startTemporaryPostgres();
  return {
    open: () => postgresTaskStore({ options: { url: server.url } }),
    stop: () => server.stop(),
  };
});
