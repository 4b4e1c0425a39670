import { JOB_STATES, type JobFilter, type JobRecord } from '../store.js';
import type { Engine } from './engine.js';
import type { Records } from './records.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
/** So many jobs of each of BullMQ's sets are looked through: Redis does nothing else meanwhile. */
const SCANNED = 10_000;

interface Found {
  id: string;
  queue: string;
  at: number;
}

/**
 * Lists jobs, newest first. BullMQ keeps no order by age over its sets, so the newest 10,000 of each set (by its own order) are
 * looked through; what is older than that is not found.
 */
export async function listJobs(
  engine: Engine,
  records: Records,
  filter: JobFilter,
): Promise<{ jobs: JobRecord[]; next?: string }> {
  const limit = Math.min(MAX_LIMIT, Math.max(1, filter.limit ?? DEFAULT_LIMIT));
  const found =
    filter.parentId === undefined
      ? await inQueues(engine, filter, limit)
      : await children(engine, filter.parentId, cursorIn(filter.after));
  found.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));

  const jobs: JobRecord[] = [];
  let taken = 0;
  // Some are gone by now, or not of the states that were asked for.
  while (taken < found.length && jobs.length < limit) {
    const batch = found.slice(taken, taken + limit - jobs.length);
    taken += batch.length;
    const read = await Promise.all(batch.map(({ id, queue }) => records.get(`${queue}:${id}`)));
    jobs.push(
      ...read
        .filter((job) => job !== undefined && matches(job, filter))
        .map((job) => job as JobRecord),
    );
  }
  const last = found[taken - 1];
  const hasMore = taken < found.length || (filter.parentId === undefined && taken === limit);
  return last !== undefined && hasMore
    ? { jobs, next: `${last.at}:${last.queue}:${last.id}` }
    : { jobs };
}

function matches(job: JobRecord, { states, task, queue }: JobFilter): boolean {
  return (
    (states === undefined || states.includes(job.state)) &&
    (task === undefined || job.task === task) &&
    (queue === undefined || job.queue === queue)
  );
}

async function inQueues(engine: Engine, filter: JobFilter, limit: number): Promise<Found[]> {
  const { client } = await engine.link();
  const queues =
    filter.queue === undefined
      ? await engine.answered(client.smembers(engine.layout.queues))
      : [filter.queue];
  const cursor = cursorIn(filter.after);
  const pages = await Promise.all(
    queues.map(async (queue) => {
      const flat = (await engine.script('puffList', engine.stateKeys(queue), [
        engine.layout.queue(queue),
        Date.now(),
        JSON.stringify({
          states: filter.states ?? JOB_STATES,
          task: filter.task,
          ...(cursor && { at: cursor.at, id: cursor.id }),
          limit,
          scanned: SCANNED,
        }),
      ])) as string[];
      const page: Found[] = [];
      for (let i = 0; i + 1 < flat.length; i += 2) {
        page.push({ queue, id: flat[i] as string, at: Number(flat[i + 1]) });
      }
      return page;
    }),
  );
  return pages.flat();
}

async function children(
  engine: Engine,
  parentId: string,
  cursor: Found | undefined,
): Promise<Found[]> {
  const flat = (await engine.script(
    'puffChildren',
    [engine.layout.children(parentId)],
    [],
  )) as string[];
  const found: Found[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const child = cursorIn(`${flat[i + 1]}:${flat[i]}`);
    if (child === undefined) continue;
    const isOlder =
      cursor === undefined ||
      child.at < cursor.at ||
      (child.at === cursor.at && child.id < cursor.id);
    if (isOlder) found.push(child);
  }
  return found;
}

/** A page's end: time, queue and id of its last job. */
function cursorIn(text: string | undefined): Found | undefined {
  const [at, queue, ...id] = text?.split(':') ?? [];
  if (at === undefined || queue === undefined || id.length === 0) return undefined;
  return { at: Number(at), queue, id: id.join(':') };
}
