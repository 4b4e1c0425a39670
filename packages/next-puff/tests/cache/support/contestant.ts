import { RedisServer } from '../../redis/support/redis-server.ts';
import { CacheProcess } from './cache-process.ts';
import {
  type CacheOptions,
  FOREVER,
  type IncrementalCache,
  PAGE,
  page,
  READ_PAGE,
} from './incremental-cache.ts';

/** An entry of `use cache`: its stream as the texts that come one after another, durations in seconds. */
export interface UseCacheEntry {
  texts: string[];
  failure?: string;
  tags?: string[];
  stale?: number;
  timestamp?: number;
  expire?: number;
  revalidate?: number;
}

/** The same as it was read. */
export type ReadEntry = Omit<Required<UseCacheEntry>, 'texts' | 'failure'> & { text: string };

/** The handlers of a process, as Next.js calls them. */
export class Handlers {
  readonly process: CacheProcess;
  readonly isOurs: boolean;

  constructor(process: CacheProcess, isOurs = true) {
    this.process = process;
    this.isOurs = isOurs;
  }

  /** What Next.js makes for every request. */
  incrementalCache(options: CacheOptions): IncrementalCache {
    const opened = this.process.call<number>('openIncremental', {
      isOurs: this.isOurs,
      ...options,
    });
    const call = async <Value>(method: string, ...args: unknown[]) =>
      this.process.call<Value>('onIncremental', await opened, method, ...args);
    return {
      get: (...args) => call('get', ...args),
      set: (...args) => call('set', ...args),
      revalidateTag: (...args) => call('revalidateTag', ...args),
    };
  }

  /** How often a page is found whose tag was revalidated right after it was written, in so many rounds. */
  async foundRevalidated(distDir: string, rounds: number): Promise<number> {
    const number = await this.process.call('openIncremental', { isOurs: this.isOurs, distDir });
    return this.process.call('revalidateAtOnce', number, {
      key: '/quick',
      value: page('a', ['quick']),
      write: { route: PAGE, ...FOREVER },
      read: READ_PAGE,
      tag: 'quick',
      rounds,
    });
  }

  /** An entry as the handler gives it. */
  get(key: string, softTags: string[] = []): Promise<ReadEntry | undefined> {
    return this.process.call('useCacheGet', this.isOurs, key, softTags);
  }

  /** An entry as Next.js uses it, with what it asks the handler besides. */
  read(key: string, softTags: string[] = []): Promise<ReadEntry | undefined> {
    return this.process.call('useCacheRead', this.isOurs, key, softTags);
  }

  set(key: string, entry: UseCacheEntry): Promise<void> {
    return this.process.call('useCacheSet', this.isOurs, key, entry);
  }

  /** Begins to write an entry; the function that it resolves with ends that, and tells how. */
  async begin(key: string): Promise<(entry?: UseCacheEntry) => Promise<string>> {
    const number = await this.process.call<number>('useCacheBegin', this.isOurs, key);
    return (entry) => this.process.call('useCacheFinish', number, entry);
  }

  updateTags(tags: string[], durations?: { expire?: number }): Promise<void> {
    return this.process.call('useCacheUpdate', this.isOurs, tags, durations);
  }

  expirationOf(tags: string[]): Promise<number> {
    return this.process.call('useCacheExpiration', this.isOurs, tags);
  }
}

/** What the suites of Next.js' two cache APIs run on. */
export const CONTESTANTS = ['Next.js', 'next-puff', 'next-puff with Redis'] as const;

/** One of them, and how it is ended. */
export async function start(
  name: (typeof CONTESTANTS)[number],
): Promise<{ handlers: Handlers; stop(): Promise<void> }> {
  const redis = name === 'next-puff with Redis' ? await RedisServer.start() : undefined;
  const process = redis ? CacheProcess.withRedis(redis.url) : new CacheProcess();
  return {
    handlers: new Handlers(process, name !== 'Next.js'),
    async stop() {
      await process.stop();
      await redis?.stop();
    },
  };
}
