import { bullmqTaskStore } from '../../../dist/tasks/bullmq/index.js';
import { RedisServer } from '../../redis/support/redis-server.ts';
import { conformance } from './suite.ts';

conformance('bullmq', async () => {
  const server = await RedisServer.start({
    settings: { appendonly: 'yes' },
  });
  return {
    open: () => bullmqTaskStore({ redis: { url: server.url } }),
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: () => server.stop(),
  };
});
