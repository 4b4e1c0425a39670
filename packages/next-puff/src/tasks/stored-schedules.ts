import { payloadTextOf } from './new-job.js';
import type { RegisteredTask } from './registry.js';
import type { StoredSchedule } from './store.js';

/** The schedules of tasks, as stores keep them. */
export function storedSchedules(tasks: readonly RegisteredTask[]): StoredSchedule[] {
  return tasks.flatMap(({ name, definition }) => {
    if (name === undefined) return [];
    const { timeoutMs, keepResultsForMs, retries, priority, backoff } = definition.run;
    return definition.schedules.map(({ key, cron, payload, timeZone }) => ({
      id: key === undefined ? name : `${name}:${key}`,
      cron: cron.expression,
      timeZone,
      job: {
        task: name,
        queue: definition.queue,
        payload: payloadTextOf(payload),
        priority,
        timeoutMs,
        keepResultMs: keepResultsForMs,
        maxAttempts: retries + 1,
        backoff,
      },
    }));
  });
}
