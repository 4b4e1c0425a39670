import { taskRoutes } from 'next-puff/tasks';

export const { GET, POST } = taskRoutes({
  authorize: (request) => request.headers.get('x-admin') === 'yes',
});
