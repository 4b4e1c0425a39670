import { createHash, randomFillSync } from 'node:crypto';

/** Where a job is: BullMQ's ids are unique in their queue only. */
export interface JobAddress {
  queue: string;
  /** BullMQ's id. */
  id: string;
}

/** The id by which the store knows a job; a queue's name holds no colon. */
export function storeId({ queue, id }: JobAddress): string {
  return `${queue}:${id}`;
}

/** Where the job with this id is; nothing if no job can have it. */
export function addressOf(jobId: string): JobAddress | undefined {
  const end = jobId.indexOf(':');
  if (end < 1 || end === jobId.length - 1) return undefined;
  return { queue: jobId.slice(0, end), id: jobId.slice(end + 1) };
}

let lastTime = 0;
let sequence = 0;

const RANDOM_BYTES = 9;
/** Random bytes for the next ids: asking the system for a few at a time costs more than all else of an id. */
const random = Buffer.alloc(RANDOM_BYTES * 512);
let usedRandom = random.length;

function randomText(): string {
  if (usedRandom === random.length) {
    randomFillSync(random);
    usedRandom = 0;
  }
  usedRandom += RANDOM_BYTES;
  return random.toString('base64url', usedRandom - RANDOM_BYTES, usedRandom);
}

/**
 * A BullMQ id that no other job has, and that sorts behind those this process made before. It is made by whoever
 * schedules, so that a repeated command adds nothing.
 */
export function newJobId(): string {
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    sequence = 0;
  }
  const time = lastTime.toString(36).padStart(9, '0');
  const order = (sequence++).toString(36).padStart(5, '0');
  return `j${time}${order}${randomText()}`;
}

/** The BullMQ id of all jobs of a task with this idempotency key: Redis keeps only one of them. */
export function keyedJobId(task: string, key: string): string {
  return `k${createHash('sha256')
    .update(JSON.stringify([task, key]))
    .digest('base64url')}`;
}
