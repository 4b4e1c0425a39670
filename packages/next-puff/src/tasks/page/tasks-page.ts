import { openStore } from '../open-store.js';
import { JOB_STATES, type JobFilter, type JobState, type TaskStore } from '../store.js';
import { type Html, textOf } from './html.js';
import { isSameOrigin } from './same-origin.js';
import { STYLE_SOURCE } from './style.js';
import { jobPath, jobView, notice, overview, type Site, schedulesView } from './views.js';

/** How the page is guarded. */
export interface TasksPageOptions {
  /**
   * Who may see and change tasks: true to let the request through, false to refuse it, or an answer of its own, for example a
   * redirect to the login. Payloads and results are shown as they are.
   */
  authorize: (request: Request) => boolean | Response | Promise<boolean | Response>;
}

/** What Next.js gives to a route handler. */
interface RouteContext {
  params: Promise<{ path?: string[] }>;
}

type Handler = (request: Request, context: RouteContext) => Promise<Response>;

/**
 * A page that shows queues, jobs and schedules, and cancels jobs or runs them again. It needs no JavaScript in the browser.
 *
 * @example
 * // app/tasks/[[...path]]/route.ts
 * export const { GET, POST } = tasksPage({ authorize: (request) => isAdmin(request) });
 */
export function tasksPage({ authorize }: TasksPageOptions): { GET: Handler; POST: Handler } {
  const guarded =
    (answer: (visit: Visit) => Promise<Response>): Handler =>
    async (request, { params }) => {
      const allowed = await authorize(request);
      if (allowed instanceof Response) return allowed;
      if (allowed !== true) return new Response('Forbidden', { status: 403 });
      const { path = [] } = await params;
      const store = await openStore();
      return answer({
        request,
        path: path.map(decoded),
        store,
        site: siteOf(request, path, store),
      });
    };
  return { GET: guarded(show), POST: guarded(change) };
}

/** A request that was let through. */
interface Visit {
  request: Request;
  /** The segments behind the page's own path. */
  path: string[];
  store: TaskStore;
  site: Site;
}

async function show({ request, path, store, site }: Visit): Promise<Response> {
  const [section, id, ...rest] = path;
  if (section === undefined) {
    const filter = filterOf(new URL(request.url).searchParams);
    const [counts, { jobs, next }] = await Promise.all([store.counts(), store.list(filter)]);
    return respond(overview(site, counts, filter, jobs, next));
  }
  if (section === 'schedules' && id === undefined) {
    return respond(schedulesView(site, await store.schedules()));
  }
  if (section === 'jobs' && id !== undefined && rest.length === 0) {
    const [job, children] = await Promise.all([store.get(id), store.list({ parentId: id })]);
    return job === undefined ? noJob(site, id) : respond(jobView(site, job, children.jobs));
  }
  return respond(notice(site, 'Not found', 'There is no such page.'), 404);
}

async function change({ request, path, store, site }: Visit): Promise<Response> {
  if (!isSameOrigin(request)) {
    return respond(notice(site, 'Refused', 'Only this page itself may change tasks.'), 403);
  }
  const [section, id, action, ...rest] = path;
  if (section !== 'jobs' || id === undefined || rest.length > 0) {
    return respond(notice(site, 'Not found', 'There is no such page.'), 404);
  }
  if (action !== 'cancel' && action !== 'retry') {
    return respond(notice(site, 'Not found', `There is no action ${action ?? ''}.`), 404);
  }
  let isDone: boolean;
  try {
    isDone = await (action === 'cancel' ? store.cancel(id) : store.retry(id));
  } catch (error) {
    return respond(notice(site, 'Refused', (error as Error).message), 409);
  }
  if (isDone) return new Response(null, { status: 303, headers: { location: jobPath(site, id) } });
  if ((await store.get(id)) === undefined) return noJob(site, id);
  const why =
    action === 'cancel' ? 'The job has ended.' : 'Only failed and cancelled jobs run again.';
  return respond(notice(site, 'Nothing to do', why), 409);
}

function noJob(site: Site, id: string): Response {
  return respond(
    notice(
      site,
      'Not found',
      `There is no job ${id}. Records go some time after the end of a job.`,
    ),
    404,
  );
}

function filterOf(query: URLSearchParams): JobFilter {
  const filter: JobFilter = {};
  const state = JOB_STATES.find((state) => state === query.get('state'));
  if (state !== undefined) filter.states = [state satisfies JobState];
  for (const name of ['queue', 'task', 'after'] as const) {
    const value = query.get(name);
    if (value) filter[name] = value;
  }
  return filter;
}

/** Where the route is mounted: what stands before the segments of its own. */
function siteOf(request: Request, path: readonly string[], store: TaskStore): Site {
  const segments = new URL(request.url).pathname.split('/').filter(Boolean);
  const own = segments.slice(0, segments.length - path.length);
  return { base: own.map((segment) => `/${segment}`).join(''), engine: store.engine };
}

/** Next.js leaves the segments of a catch-all as they stand in the URL. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function respond(page: Html, status = 200): Response {
  return new Response(textOf(page), {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; style-src ${STYLE_SOURCE}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
    },
  });
}
