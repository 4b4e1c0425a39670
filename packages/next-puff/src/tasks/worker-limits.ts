import { availableParallelism } from 'node:os';
import { settings } from '../config/settings.js';

const PER_CORE = 4;
const SHUTDOWN_MS = 15_000;
/** Whoever develops wants the terminal back. */
const DEV_SHUTDOWN_MS = 1_000;

/** How many tasks a process runs at the same time. */
export function taskConcurrency(): number {
  return settings().tasks.concurrency ?? availableParallelism() * PER_CORE;
}

/** What running tasks get to end when the process ends, in milliseconds. */
export function taskShutdownMs(isDev = false): number {
  return settings().tasks.shutdownMs ?? (isDev ? DEV_SHUTDOWN_MS : SHUTDOWN_MS);
}
