import { taskRoutes } from 'next-puff/tasks';
import { isAdmin } from '@/polls/admin';

/** Brings the files of `tasks/` into the server, and answers what becomes of their jobs as JSON. */
export const { GET, POST } = taskRoutes({ authorize: (request) => isAdmin(request) === true });
