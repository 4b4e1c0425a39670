import { appendFileSync } from 'node:fs';
import { task } from 'next-puff/tasks';

// Nobody imports this file: only the route that mounts taskRoutes() brings it into the server.
export const tick = task(
  () => {
    appendFileSync(process.env.FIXTURE_NOTES as string, 'tick\n');
  },
  { cron: '* * * * * *' },
);
