import type { QueueCounts, RunOutcome } from './store.js';

/** Upper bounds of the buckets for durations, in seconds. */
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120, 600];

interface TaskNumbers {
  runs: Record<RunOutcome['type'], number>;
  /** Per bucket, not added up. */
  durations: number[];
  seconds: number;
}

/** What a worker has done since it began, for Prometheus. */
export class WorkerNumbers {
  readonly #tasks = new Map<string, TaskNumbers>();

  /** Counts the end of a run. */
  count(task: string, outcome: RunOutcome['type'], seconds: number): void {
    let numbers = this.#tasks.get(task);
    if (numbers === undefined) {
      numbers = {
        runs: { completed: 0, failed: 0, returned: 0 },
        durations: BUCKETS.map(() => 0),
        seconds: 0,
      };
      this.#tasks.set(task, numbers);
    }
    numbers.runs[outcome]++;
    numbers.seconds += seconds;
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) numbers.durations[bucket] = (numbers.durations[bucket] as number) + 1;
  }

  /**
   * The text format of Prometheus.
   *
   * @param queues what the store says of its queues
   */
  toPrometheus(running: number, queues: readonly QueueCounts[]): string {
    const lines = [
      ...metric('puff_tasks_running', 'gauge', 'Runs of this worker at the moment.'),
      `puff_tasks_running ${running}`,
      ...metric('puff_tasks_jobs', 'gauge', 'Jobs that the store keeps, by queue and state.'),
    ];
    for (const { queue, counts } of queues) {
      for (const [state, count] of Object.entries(counts)) {
        lines.push(`puff_tasks_jobs{queue="${label(queue)}",state="${state}"} ${count}`);
      }
    }
    lines.push(...metric('puff_tasks_runs_total', 'counter', 'Runs of this worker that ended.'));
    for (const [task, { runs }] of this.#tasks) {
      for (const [outcome, count] of Object.entries(runs)) {
        lines.push(`puff_tasks_runs_total{task="${label(task)}",outcome="${outcome}"} ${count}`);
      }
    }
    lines.push(...metric('puff_tasks_run_seconds', 'histogram', 'How long runs took.'));
    for (const [task, numbers] of this.#tasks) lines.push(...histogram(task, numbers));
    return `${lines.join('\n')}\n`;
  }
}

function histogram(task: string, { runs, durations, seconds }: TaskNumbers): string[] {
  const name = `task="${label(task)}"`;
  let sum = 0;
  const buckets = BUCKETS.map((bound, at) => {
    sum += durations[at] as number;
    return `puff_tasks_run_seconds_bucket{${name},le="${bound}"} ${sum}`;
  });
  const count = runs.completed + runs.failed + runs.returned;
  return [
    ...buckets,
    `puff_tasks_run_seconds_bucket{${name},le="+Inf"} ${count}`,
    `puff_tasks_run_seconds_sum{${name}} ${seconds}`,
    `puff_tasks_run_seconds_count{${name}} ${count}`,
  ];
}

function metric(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** Escaped as the format has it. */
function label(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
