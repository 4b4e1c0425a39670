export type { ScheduleOptions } from './new-job.js';
export { closeTaskStore, useTaskStore } from './open-store.js';
export {
  type ScheduleFunctionOptions,
  scheduleFunction,
  waitForTaskResult,
} from './puff-functions.js';
export type { StandardSchema } from './standard-schema.js';
export type { JobFailure, JobState, TaskStore } from './store.js';
export { type ScheduledPayload, type StoredResult, type Task, task } from './task.js';
export { type ResultOptions, TaskHandle, type TaskStatus, taskHandle } from './task-handle.js';
export type { BackoffOptions, CronOptions, RunOptions, TaskOptions } from './task-options.js';
export { type TaskRoutesOptions, taskRoutes } from './task-routes.js';
export { currentTask, type RunningJob, type TaskRun } from './task-run.js';
export { startWorker, type TaskWorker, type WorkerOptions } from './task-worker.js';
