import { PuffError } from '../errors.js';
import { openStore } from './open-store.js';
import { JOB_STATES, type JobFilter, type JobState } from './store.js';
import { statusOf } from './task-handle.js';

/** Who may see and change jobs. */
export interface TaskRoutesOptions {
  /**
   * Whether a request may see and change jobs. Without it everybody may in development and nobody elsewhere, who gets 404.
   */
  authorize?: (request: Request) => boolean | Promise<boolean>;
}

type Handler = (request: Request) => Promise<Response>;

/**
 * The handlers of a route that brings all files of `tasks/` into the server and answers what becomes of their jobs:
 * `export const { GET, POST } = taskRoutes({ authorize })` in `app/api/puff/tasks/route.ts`.
 *
 * `GET ?id=` answers a job; `GET` with `state`, `task`, `queue`, `limit` and `after` a page of jobs, and the counts of the
 * queues. `POST { "action": "retry" | "cancel", "id": "..." }` changes one.
 */
export function taskRoutes(options: TaskRoutesOptions = {}): { GET: Handler; POST: Handler } {
  const guarded =
    (handler: Handler): Handler =>
    async (request) =>
      (await isAllowed(request, options)) ? handler(request) : new Response(null, { status: 404 });
  return { GET: guarded(answerJobs), POST: guarded(changeJob) };
}

async function isAllowed(request: Request, { authorize }: TaskRoutesOptions): Promise<boolean> {
  if (authorize !== undefined) return authorize(request);
  return process.env.NODE_ENV === 'development';
}

async function answerJobs(request: Request): Promise<Response> {
  const store = await openStore();
  const query = new URL(request.url).searchParams;
  const id = query.get('id');
  if (id !== null) {
    const record = await store.get(id);
    return record ? Response.json(statusOf(record)) : refuse(404, `There is no job ${id}.`);
  }
  const filter = filterOf(query);
  if (filter === undefined) return refuse(400, `state is one of: ${JOB_STATES.join(', ')}.`);
  const [{ jobs, next }, queues] = await Promise.all([store.list(filter), store.counts()]);
  return Response.json({ jobs: jobs.map(statusOf), next: next ?? null, queues });
}

async function changeJob(request: Request): Promise<Response> {
  // Forms of other sites cannot send JSON without being asked about first.
  if (!request.headers.get('content-type')?.startsWith('application/json')) {
    return refuse(415, 'Send JSON.');
  }
  const { action, id } = (await request.json().catch(() => ({}))) as Record<string, unknown>;
  if (typeof id !== 'string' || (action !== 'retry' && action !== 'cancel')) {
    return refuse(400, 'Send { "action": "retry" | "cancel", "id": "..." }.');
  }
  const store = await openStore();
  try {
    return Response.json({ done: await store[action](id) });
  } catch (error) {
    if (error instanceof PuffError) return refuse(409, error.message);
    throw error;
  }
}

function filterOf(query: URLSearchParams): JobFilter | undefined {
  const states = query.getAll('state') as JobState[];
  if (states.some((state) => !JOB_STATES.includes(state))) return undefined;
  const limit = Number(query.get('limit') ?? Number.NaN);
  const [task, queue, after] = ['task', 'queue', 'after'].map((name) => query.get(name));
  return {
    ...(states.length > 0 && { states }),
    ...(task && { task }),
    ...(queue && { queue }),
    ...(after && { after }),
    ...(limit >= 1 && { limit: Math.min(Math.floor(limit), 1_000) }),
  };
}

function refuse(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
