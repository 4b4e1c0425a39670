import {
  JOB_STATES,
  type JobFilter,
  type JobRecord,
  type QueueCounts,
  type StoredSchedule,
} from '../store.js';
import { type Content, type Html, html } from './html.js';
import { STYLE } from './style.js';

/** What every view needs: the page's address and the engine behind it. */
export interface Site {
  /** Path of the page, without a slash at its end. */
  base: string;
  engine: string;
}

/** A whole page. */
export function page({ base, engine }: Site, title: string, ...content: readonly Content[]): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<header><h1>${title}</h1><nav><a href="${base || '/'}">Tasks</a> · <a href="${base}/schedules">Schedules</a></nav>
<span class="muted">engine: ${engine}</span></header>
<main>${content}</main>
</body>
</html>`;
}

/** Our own text, which is no user's. */
function trusted(text: string): Html {
  return html(Object.assign([text], { raw: [text] }) as unknown as TemplateStringsArray);
}

/** Queues with their counts, and jobs. */
export function overview(
  site: Site,
  counts: readonly QueueCounts[],
  filter: JobFilter,
  jobs: readonly JobRecord[],
  next: string | undefined,
): Html {
  return page(
    site,
    'Tasks',
    html`<h2>Queues</h2><div class="scroll"><table>
<tr><th>Queue</th>${JOB_STATES.map((state) => html`<th class="number">${state}</th>`)}</tr>
${counts.map(
  ({ queue, counts }) =>
    html`<tr><td><a href="${link(site, { queue })}">${queue}</a></td>${JOB_STATES.map(
      (state) =>
        html`<td class="number"><a href="${link(site, { queue, states: [state] })}">${counts[state]}</a></td>`,
    )}</tr>`,
)}
</table></div>
${counts.length === 0 && html`<p class="muted">Nothing was scheduled yet.</p>`}`,
    html`<h2>Jobs</h2>
<form method="get" action="${site.base || '/'}">
<label>State<select name="state"><option value="">any</option>${JOB_STATES.map((state) => option(state, filter.states?.[0]))}</select></label>
<label>Queue<select name="queue"><option value="">any</option>${counts.map(({ queue }) => option(queue, filter.queue))}</select></label>
<label>Task<input name="task" value="${filter.task ?? ''}"></label>
<button>Show</button>
</form>`,
    jobTable(site, jobs),
    next !== undefined &&
      html`<p><a href="${link(site, { ...filter, after: next })}">Older jobs</a></p>`,
  );
}

/** Everything about one job. */
export function jobView(site: Site, job: JobRecord, children: readonly JobRecord[]): Html {
  const canCancel = job.state === 'delayed' || job.state === 'waiting' || job.state === 'running';
  const canRetry = job.state === 'failed' || job.state === 'cancelled';
  const action = (name: string) => `${jobPath(site, job.id)}/${name}`;
  const facts: [string, Content][] = [
    ['State', html`<span class="${job.state}">${job.state}</span>`],
    ['Id', job.id],
    ['Queue', job.queue],
    ['Priority', job.priority],
    ['Created', time(job.createdAt)],
    ['Runs at', time(job.runAt)],
    ['Last begun', time(job.startedAt)],
    ['Ended', time(job.endedAt)],
    ['Record goes', time(job.expiresAt)],
    ['Runs', `${job.starts} begun, ${job.failures} failed of ${job.maxAttempts}`],
    ['Time limit', job.timeoutMs === 0 ? 'none' : `${job.timeoutMs} ms`],
    ['Idempotency key', job.idempotencyKey],
    ['Worker', job.worker],
    ['Parent', job.parentId && html`<a href="${jobPath(site, job.parentId)}">${job.parentId}</a>`],
  ];
  return page(
    site,
    job.task,
    html`<h2>Job</h2><dl>${facts.map(([name, value]) => value !== undefined && value !== '' && html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`,
    canCancel &&
      html`<form method="post" action="${action('cancel')}"><button>Cancel</button></form>`,
    canRetry &&
      html`<form method="post" action="${action('retry')}"><button>Run again</button></form>`,
    html`<h2>Payload</h2><pre>${indented(job.payload)}</pre>`,
    job.result !== undefined && html`<h2>Result</h2><pre>${indented(job.result)}</pre>`,
    job.failure !== undefined &&
      html`<h2>Last failure</h2><p class="failed">${job.failure.name}: ${job.failure.message}</p>
${job.failure.code !== undefined && html`<p>Code: ${job.failure.code}</p>`}
${job.failure.stack !== undefined && html`<pre>${job.failure.stack}</pre>`}`,
    job.progress !== undefined && html`<h2>Progress</h2><pre>${indented(job.progress)}</pre>`,
    job.logs.length > 0 &&
      html`<h2>Log</h2><pre>${job.logs.map(({ at, line }) => html`${new Date(at).toISOString()} ${line}\n`)}</pre>`,
    children.length > 0 && html`<h2>Jobs that it scheduled</h2>${jobTable(site, children)}`,
  );
}

/** All schedules. */
export function schedulesView(
  site: Site,
  schedules: readonly (StoredSchedule & { nextAt: number; lastAt?: number })[],
): Html {
  return page(
    site,
    'Schedules',
    schedules.length === 0
      ? html`<p class="muted">No task has a schedule.</p>`
      : html`<div class="scroll"><table>
<tr><th>Schedule</th><th>Cron</th><th>Time zone</th><th>Next</th><th>Last</th><th>Jobs</th></tr>
${schedules.map(
  ({
    id,
    cron,
    timeZone,
    job,
    nextAt,
    lastAt,
  }) => html`<tr><td>${id}</td><td>${cron}</td><td>${timeZone}</td>
<td>${time(nextAt)}</td><td>${time(lastAt) ?? 'never'}</td><td><a href="${link(site, { task: job.task })}">jobs</a></td></tr>`,
)}
</table></div>`,
  );
}

/** A page that says one thing. */
export function notice(site: Site, title: string, text: string): Html {
  return page(site, title, html`<p>${text}</p>`);
}

/** Path of a job's view. */
export function jobPath({ base }: Site, jobId: string): string {
  return `${base}/jobs/${encodeURIComponent(jobId)}`;
}

function jobTable(site: Site, jobs: readonly JobRecord[]): Html {
  if (jobs.length === 0) return html`<p class="muted">No jobs.</p>`;
  return html`<div class="scroll"><table>
<tr><th>Task</th><th>State</th><th>Created</th><th>Runs at</th><th class="number">Runs</th><th>Job</th></tr>
${jobs.map(
  (
    job,
  ) => html`<tr><td>${job.task}</td><td class="${job.state}">${job.state}</td><td>${time(job.createdAt)}</td>
<td>${time(job.runAt)}</td><td class="number">${job.starts}</td><td class="id"><a href="${jobPath(site, job.id)}">${job.id}</a></td></tr>`,
)}
</table></div>`;
}

function option(value: string, chosen: string | undefined): Html {
  return value === chosen
    ? html`<option value="${value}" selected>${value}</option>`
    : html`<option value="${value}">${value}</option>`;
}

function link({ base }: Site, { states, queue, task, after }: JobFilter): string {
  const query = new URLSearchParams();
  if (states?.[0] !== undefined) query.set('state', states[0]);
  if (queue !== undefined) query.set('queue', queue);
  if (task !== undefined) query.set('task', task);
  if (after !== undefined) query.set('after', after);
  return query.size === 0 ? base || '/' : `${base || '/'}?${query}`;
}

function time(at: number | undefined): Html | undefined {
  if (at === undefined) return undefined;
  const text = new Date(at).toISOString();
  return html`<time datetime="${text}">${text.replace('T', ' ').slice(0, 19)} UTC</time>`;
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
