/**
 * The Redis keys that the store has beside BullMQ's, all below BullMQ's prefix.
 *
 * BullMQ's own keys are `<prefix>:<queue>:<name>`; a queue named `puff` would meet the ones that belong to no queue.
 */
export class Layout {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** What all keys of a queue begin with. */
  queue(queue: string): string {
    return `${this.prefix}:${queue}:`;
  }

  /** Stream of BullMQ's events. */
  events(queue: string): string {
    return `${this.prefix}:${queue}:events`;
  }

  /** Sorted set: when the record of which job goes. */
  expiries(queue: string): string {
    return `${this.prefix}:${queue}:puff-expiries`;
  }

  /** Set of the jobs among BullMQ's failed ones that were cancelled. */
  cancelled(queue: string): string {
    return `${this.prefix}:${queue}:puff-cancelled`;
  }

  /** Set of the queues that the store has seen. */
  get queues(): string {
    return `${this.prefix}:puff:queues`;
  }

  /** Sorted set of the jobs that a job has scheduled, by when. */
  children(jobId: string): string {
    return `${this.prefix}:puff:children:${jobId}`;
  }

  /** Stream of running jobs that were cancelled. */
  get cancellations(): string {
    return `${this.prefix}:puff:cancellations`;
  }

  /** Runs of a rate-limited task. */
  rate(task: string): string {
    return `${this.prefix}:puff:rate:${task}`;
  }

  /** Hash: the schedules of the newest deployment, and its time. */
  get schedules(): string {
    return `${this.prefix}:puff:schedules`;
  }

  /** Hash: when a schedule's job last began. */
  get scheduleRuns(): string {
    return `${this.prefix}:puff:schedule-runs`;
  }
}
