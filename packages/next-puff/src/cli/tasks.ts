import { parseArgs } from 'node:util';
import { closeTaskStore, openStore } from '../tasks/open-store.js';
import {
  JOB_STATES,
  type JobFilter,
  type JobRecord,
  type JobState,
  type TaskStore,
} from '../tasks/store.js';
import { statusOf } from '../tasks/task-handle.js';
import type { CliCommand } from './command.js';
import { readConfiguration, startTaskServices } from './services.js';
import { suggest } from './suggestion.js';
import { UsageError } from './usage-error.js';

const OPTIONS = {
  json: { type: 'boolean' },
  state: { type: 'string', multiple: true },
  task: { type: 'string' },
  queue: { type: 'string' },
  parent: { type: 'string' },
  limit: { type: 'string' },
  after: { type: 'string' },
} as const;

/** The command line, read. */
interface TasksArguments {
  ids: string[];
  filter: JobFilter;
  isJson: boolean;
}

type Action = (store: TaskStore, args: TasksArguments) => Promise<number>;

const ACTIONS: Record<string, Action> = {
  list,
  queues,
  show,
  retry: (store, args) => change(store, args, 'retry'),
  cancel: (store, args) => change(store, args, 'cancel'),
};

/** `next-puff tasks`. */
export const tasks: CliCommand = {
  name: 'tasks',
  summary: 'list, show, retry and cancel jobs of background tasks',
  help: `Usage: next-puff tasks <command> [ids] [options]

Commands
  list           jobs, newest first
  queues         how many jobs are in which state, and the schedules
  show <id>      all that is known of a job
  retry <ids>    run failed or cancelled jobs again
  cancel <ids>   cancel jobs that have not ended

Options
      --json             print JSON
      --state <state>    of list: ${JOB_STATES.join(', ')}; may be repeated
      --task <name>      of list
      --queue <name>     of list
      --parent <id>      of list: jobs that this one has scheduled
      --limit <n>        of list: at most 1000 (default: 50)
      --after <cursor>   of list: the page after the one that named it

The exit code of show, retry and cancel is 1 when there was nothing to show or change.

Environment
  DATABASE_URL, REDIS_URL  where the jobs are, as for \`next-puff start\`
  NODE_ENV                 "production" reads .env.production instead of .env.development
`,
  async run([name, ...args]) {
    if (name === undefined) throw new UsageError('next-puff tasks needs a command.', known());
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined) {
      const near = suggest(name, Object.keys(ACTIONS));
      throw new UsageError(
        `There is no command "tasks ${name}".`,
        near ? `Did you mean "next-puff tasks ${near}"?` : known(),
      );
    }
    const read = readArguments(name, args);
    const directory = process.cwd();
    const environment = process.env as Record<string, string | undefined>;
    environment.NODE_ENV ??= 'development';
    const isDev = environment.NODE_ENV !== 'production';
    const services = await startTaskServices(directory, readConfiguration(directory, isDev));
    try {
      return await action(await openStore(), read);
    } finally {
      await closeTaskStore();
      await services.stop();
    }
  },
};

function known(): string {
  return `It is one of: ${Object.keys(ACTIONS).join(', ')}.`;
}

function readArguments(name: string, args: string[]): TasksArguments {
  const { values, positionals: ids } = parseArgs({
    args,
    allowPositionals: true,
    options: OPTIONS,
  });
  const needsIds = name !== 'list' && name !== 'queues';
  if (needsIds && ids.length === 0) throw new UsageError(`next-puff tasks ${name} needs an id.`);
  if (!needsIds && ids.length > 0) throw new UsageError(`What is ${ids[0]}?`);
  const states = (values.state ?? []) as JobState[];
  const wrong = states.find((state) => !JOB_STATES.includes(state));
  if (wrong !== undefined) {
    throw new UsageError(
      `There is no state "${wrong}".`,
      `It is one of: ${JOB_STATES.join(', ')}.`,
    );
  }
  const limit = values.limit === undefined ? 50 : Number(values.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
    throw new UsageError(`--limit needs a number from 1 to 1000, not "${values.limit}".`);
  }
  return {
    ids,
    isJson: values.json ?? false,
    filter: {
      limit,
      ...(states.length > 0 && { states }),
      ...(values.task !== undefined && { task: values.task }),
      ...(values.queue !== undefined && { queue: values.queue }),
      ...(values.parent !== undefined && { parentId: values.parent }),
      ...(values.after !== undefined && { after: values.after }),
    },
  };
}

async function list(store: TaskStore, { filter, isJson }: TasksArguments): Promise<number> {
  const { jobs, next } = await store.list(filter);
  if (isJson) return print({ jobs: jobs.map(statusOf), next: next ?? null });
  table(['ID', 'TASK', 'QUEUE', 'STATE', 'RUN AT', 'RUNS', 'LAST FAILURE'], jobs.map(rowOf));
  if (next !== undefined) process.stdout.write(`\nMore: --after ${next}\n`);
  return 0;
}

async function queues(store: TaskStore, { isJson }: TasksArguments): Promise<number> {
  const [counted, schedules] = await Promise.all([store.counts(), store.schedules()]);
  if (isJson) return print({ queues: counted, schedules });
  table(
    ['QUEUE', ...JOB_STATES.map((state) => state.toUpperCase())],
    counted.map(({ queue, counts }) => [
      queue,
      ...JOB_STATES.map((state) => String(counts[state])),
    ]),
  );
  if (schedules.length === 0) return 0;
  process.stdout.write('\n');
  table(
    ['SCHEDULE', 'CRON', 'TIME ZONE', 'NEXT'],
    schedules.map(({ id, cron, timeZone, nextAt }) => [id, cron, timeZone, timeOf(nextAt)]),
  );
  return 0;
}

async function show(store: TaskStore, { ids, isJson }: TasksArguments): Promise<number> {
  const records = await Promise.all(ids.map((id) => store.get(id)));
  const found = records.filter((record) => record !== undefined);
  if (isJson) print(found.map(statusOf));
  else for (const record of found) describe(record);
  for (const [at, id] of ids.entries()) {
    if (records[at] === undefined) process.stderr.write(`next-puff: there is no job ${id}\n`);
  }
  return found.length === ids.length ? 0 : 1;
}

async function change(
  store: TaskStore,
  { ids, isJson }: TasksArguments,
  action: 'retry' | 'cancel',
): Promise<number> {
  const done: Record<string, boolean> = {};
  for (const id of ids) done[id] = await store[action](id);
  if (isJson) print(done);
  else {
    const [did, why] =
      action === 'retry'
        ? ['runs again', 'is not there, or has neither failed nor been cancelled']
        : ['is cancelled', 'is not there, or has ended'];
    for (const id of ids) process.stdout.write(`${id} ${done[id] ? did : why}\n`);
  }
  return Object.values(done).every(Boolean) ? 0 : 1;
}

function describe(record: JobRecord): void {
  const { logs, failure, ...rest } = statusOf(record);
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    const isTime = key.endsWith('At');
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    process.stdout.write(`${key.padEnd(12)} ${isTime ? timeOf(value as number) : text}\n`);
  }
  if (failure) {
    process.stdout.write(
      `failure      ${failure.stack ?? `${failure.name}: ${failure.message}`}\n`,
    );
  }
  for (const { at, line } of logs) process.stdout.write(`log          ${timeOf(at)} ${line}\n`);
}

function rowOf(job: JobRecord): string[] {
  const failure = job.failure?.message.split('\n')[0] ?? '';
  const runs = `${job.starts} (${job.failures}/${job.maxAttempts} failed)`;
  return [job.id, job.task, job.queue, job.state, timeOf(job.runAt), runs, failure.slice(0, 60)];
}

function timeOf(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19);
}

function table(head: string[], rows: string[][]): void {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] as string).length)),
  );
  for (const row of [head, ...rows]) {
    const line = row.map((cell, at) => cell.padEnd(widths[at] as number)).join('  ');
    process.stdout.write(`${line.trimEnd()}\n`);
  }
}

function print(value: unknown): number {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return 0;
}
