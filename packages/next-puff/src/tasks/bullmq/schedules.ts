import { randomUUID } from 'node:crypto';
import { PuffError } from '../../errors.js';
import type { StoredSchedule } from '../store.js';
import type { Engine } from './engine.js';
import { type StoredOptions, templateOf } from './job-options.js';

/** Field of the hash of schedules with the time of the deployment they are of. */
const DEPLOYED_AT = '@deployedAt';
/** How long one process may change schedules before another one may. */
const LOCK_MS = 10_000;
const LOCK_RETRY_MS = 50;

/**
 * The schedules of a deployment, kept by BullMQ's job schedulers. Those that other programs have made in the same queues
 * are left alone.
 */
export class Schedules {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async put(schedules: readonly StoredSchedule[], deployedAt: number): Promise<void> {
    await this.#locked(async () => {
      const { key, stored, storedAt } = await this.#stored();
      if (storedAt > deployedAt) return;
      const wanted = new Map(schedules.map((schedule) => [schedule.id, schedule]));
      for (const [id, text] of stored) {
        const old = JSON.parse(text) as StoredSchedule;
        if (wanted.get(id)?.job.queue === old.job.queue) continue;
        await (await this.#engine.queue(old.job.queue)).removeJobScheduler(id);
      }
      for (const schedule of schedules) {
        const queue = await this.#engine.queue(schedule.job.queue);
        const isSame = stored.get(schedule.id) === JSON.stringify(schedule);
        if (isSame && (await queue.getJobScheduler(schedule.id)) !== undefined) continue;
        await queue.upsertJobScheduler(
          schedule.id,
          { pattern: schedule.cron, tz: schedule.timeZone },
          {
            name: schedule.job.task,
            data: JSON.parse(schedule.job.payload),
            opts: scheduledOptions(schedule),
          },
        );
      }
      const fields = [DEPLOYED_AT, String(deployedAt)];
      for (const [id, schedule] of wanted) fields.push(id, JSON.stringify(schedule));
      await this.#engine.script('puffSetSchedules', [key], fields);
    });
  }

  async all(): Promise<(StoredSchedule & { nextAt: number; lastAt?: number })[]> {
    const { client } = await this.#engine.link();
    const { stored } = await this.#stored();
    const runs = await this.#engine.answered(client.hgetall(this.#engine.layout.scheduleRuns));
    const found: (StoredSchedule & { nextAt: number; lastAt?: number })[] = [];
    for (const [id, text] of stored) {
      const schedule = JSON.parse(text) as StoredSchedule;
      const queue = await this.#engine.queue(schedule.job.queue);
      const scheduler = await this.#engine.answered(queue.getJobScheduler(id));
      const lastAt = runs[id];
      found.push({
        ...schedule,
        nextAt: scheduler?.next ?? 0,
        ...(lastAt === undefined ? {} : { lastAt: Number(lastAt) }),
      });
    }
    return found.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async #stored(): Promise<{ key: string; stored: Map<string, string>; storedAt: number }> {
    const { client } = await this.#engine.link();
    const key = this.#engine.layout.schedules;
    const stored = new Map(Object.entries(await this.#engine.answered(client.hgetall(key))));
    const storedAt = Number(stored.get(DEPLOYED_AT) ?? 0);
    stored.delete(DEPLOYED_AT);
    return { key, stored, storedAt };
  }

  async #locked(change: () => Promise<void>): Promise<void> {
    const key = this.#engine.layout.schedules;
    const token = randomUUID();
    const deadline = Date.now() + 2 * LOCK_MS;
    while ((await this.#engine.script('puffLockSchedules', [key], [token, LOCK_MS])) !== 1) {
      if (Date.now() > deadline) {
        throw new PuffError(
          'PUFF_TASKS_SCHEDULES',
          'Other processes keep changing the schedules.',
          {
            operation: 'schedules',
            hint: `If none does, delete the Redis key ${key}:lock.`,
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
    try {
      await change();
    } finally {
      await this.#engine.script('puffLockSchedules', [key], [token, 0]);
    }
  }
}

/** Options for each job of a schedule. It has no `runAt` of its own: BullMQ's times say when it is. */
function scheduledOptions({ job }: StoredSchedule): StoredOptions {
  const { timeoutMs, keepResultMs, backoff } = job;
  return {
    ...templateOf(job),
    puff: {
      timeoutMs,
      keepResultMs,
      maxDelayMs: backoff.maxDelayMs,
      ...(job.payload === 'null' && { isNull: true }),
    },
  };
}
