import { tasksPage } from 'next-puff/tasks/page';
import { isAdmin } from '@/polls/admin';

/** The app's background tasks: what waits, runs, has run and has failed. */
export const { GET, POST } = tasksPage({ authorize: isAdmin });
