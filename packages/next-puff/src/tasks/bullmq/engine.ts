import type { IRedisClient, Queue } from 'bullmq';
import { PuffError } from '../../errors.js';
import { openClient, type RedisSettings } from './connection.js';
import { Layout } from './layout.js';
import { defineScripts, runScript, type ScriptName } from './scripts.js';
import { warnAboutServer } from './server-warnings.js';

/** How long a command may wait for a Redis that cannot be reached. */
const COMMAND_TIMEOUT_MS = 10_000;

/** BullMQ's module; loaded when it is needed, so that apps without Redis never do. */
export type Bullmq = typeof import('bullmq');

/** The connection that everything of a store shares but what blocks. */
export interface Link {
  bullmq: Bullmq;
  client: IRedisClient;
}

/** The keys of a queue that the scripts go through, in their order. */
export type StateKeys = readonly [
  completed: string,
  failed: string,
  delayed: string,
  prioritized: string,
  active: string,
  cancelled: string,
  wait: string,
];

/** What the parts of a store share: the connection, BullMQ's queues and the scripts. */
export class Engine {
  readonly settings: RedisSettings;
  readonly layout: Layout;
  readonly #queues = new Map<string, Queue>();
  #link: Promise<Link> | undefined;
  #isClosed = false;

  constructor(settings: RedisSettings, prefix: string) {
    this.settings = settings;
    this.layout = new Layout(prefix);
  }

  /** The connection, opened at the first use. */
  link(): Promise<Link> {
    if (this.#isClosed) {
      return Promise.reject(new PuffError('PUFF_TASKS_CLOSED', 'The task store is closed.'));
    }
    this.#link ??= this.#open();
    return this.#link;
  }

  async #open(): Promise<Link> {
    const bullmq = await import('bullmq');
    const client = openClient(this.settings);
    // BullMQ adds a listener per queue and worker.
    client.setMaxListeners(0);
    // Every command that fails says so itself.
    client.on('error', () => {});
    defineScripts(client);
    void warnAboutServer(client);
    return { bullmq, client };
  }

  /** BullMQ's queue of this name. */
  async queue(name: string): Promise<Queue> {
    const { bullmq, client } = await this.link();
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new bullmq.Queue(name, {
        connection: client,
        prefix: this.layout.prefix,
        skipVersionCheck: true,
      });
      queue.on('error', () => {});
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Runs a script; rejects if Redis does not answer in time. */
  async script(
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const { client } = await this.link();
    return this.answered(runScript(client, name, keys, args));
  }

  /** The keys of a queue's states. */
  stateKeys(queue: string): StateKeys {
    const key = this.layout.queue(queue);
    return [
      `${key}completed`,
      `${key}failed`,
      `${key}delayed`,
      `${key}prioritized`,
      `${key}active`,
      this.layout.cancelled(queue),
      `${key}wait`,
    ];
  }

  /** What Redis answers, or an error once that takes too long: whether it was done is unknown then. */
  async answered<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(unavailable()), COMMAND_TIMEOUT_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const link = this.#link;
    this.#isClosed = true;
    if (link === undefined) return;
    const { client } = await link;
    for (const queue of this.#queues.values()) await queue.close().catch(() => {});
    client.disconnect();
  }
}

function unavailable(): PuffError {
  return new PuffError(
    'PUFF_TASKS_UNAVAILABLE',
    `Redis did not answer within ${COMMAND_TIMEOUT_MS / 1_000} seconds.`,
    {
      operation: 'tasks',
      hint: 'Check that the server behind REDIS_URL is up and reachable. A job that was being scheduled may or may not have been stored: an idempotencyKey makes it safe to schedule it again.',
    },
  );
}
