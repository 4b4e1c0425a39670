/**
 * How background tasks are kept and worked on. Everything is optional; times are in milliseconds.
 */
export interface TasksConfig {
  /** Where jobs are kept. Default: BullMQ where a Redis is configured, PostgreSQL otherwise. */
  engine?: 'postgres' | 'bullmq';
  /** Whether servers work on tasks, too. Default true; false where `next-puff worker` does. */
  worker?: boolean;
  /** Runs at the same time in one process, shared by its isolates. Default: four per core. */
  concurrency?: number;
  /** The queues that workers serve. Default: `default` and those of the tasks that they know. */
  queues?: readonly string[];
  /** How long jobs of a process that has died are left alone. Renewed outside the event loop. Default 15,000. */
  leaseMs?: number;
  /** BullMQ's prefix of all keys in Redis. Default `bull`. */
  prefix?: string;
  /** Files with tasks that are loaded where no build of Next.js has them; `*` stands for part of a name. */
  files?: readonly string[];
  /** What running tasks get to end when the process ends; then they are aborted and given back. Default 15,000. */
  shutdownMs?: number;
  /** How long a job whose task no worker knows is given back before it fails. Default one day. */
  unknownTaskMs?: number;
}
