import type { IRedisClient } from 'bullmq';
import { Command } from './command.js';
import { unsupported } from './errors.js';
import type { RedisOptions } from './options.js';
import { Pipeline } from './pipeline.js';
import { RedisClient } from './redis.js';

type Fields = Record<string, string | number>;

/**
 * A client for BullMQ's own interface of Redis clients (`IRedisClient`), to be given as `connection`. It spares BullMQ the
 * wrapping of an ioredis client, and its blocking workers their retries: `maxRetriesPerRequest` is null.
 */
export function bullmqClient(options: RedisOptions = {}): IRedisClient {
  return new BullmqClient({ ...options, maxRetriesPerRequest: null }) as unknown as IRedisClient;
}

class BullmqPipeline extends Pipeline {
  runCommand(name: string, args: readonly unknown[]): this {
    const { scriptsSet } = this.redis as BullmqClient;
    return this.sendCommand(scriptCommand(scriptsSet, name, args));
  }

  hset(key: string, data: Fields): this {
    return this.sendCommand(new Command('hset', [key, data]));
  }

  hscan(key: string, cursor: string | number, options?: { COUNT?: number }): this {
    return this.sendCommand(new Command('hscan', [key, cursor, ...named(options, ['COUNT'])]));
  }

  sscan(key: string, cursor: string | number, options?: { COUNT?: number }): this {
    return this.sendCommand(new Command('sscan', [key, cursor, ...named(options, ['COUNT'])]));
  }
}

class BullmqClient extends RedisClient {
  /** Runs a script that `defineCommand` was given. */
  runCommand(name: string, args: readonly unknown[]): Promise<unknown> {
    return this.sendCommand(scriptCommand(this.scriptsSet, name, args));
  }

  override pipeline(): BullmqPipeline {
    return new BullmqPipeline(this);
  }

  override multi(): BullmqPipeline {
    return new BullmqPipeline(this, { isTransaction: true });
  }

  override duplicate(override: RedisOptions = {}): BullmqClient {
    return new BullmqClient({ ...this.options, ...override });
  }

  hset(key: string, data: Fields): Promise<unknown> {
    return this.#send('hset', key, data);
  }

  set(key: string, value: string | number, options?: { PX?: number; EX?: number }) {
    return this.#send('set', key, value, ...named(options, ['PX', 'EX']));
  }

  zrange(key: string, start: number, end: number, options?: { WITHSCORES?: boolean }) {
    return this.#send('zrange', key, start, end, ...(options?.WITHSCORES ? ['WITHSCORES'] : []));
  }

  zrevrange(key: string, start: number, end: number, options?: { WITHSCORES?: boolean }) {
    return this.#send('zrevrange', key, start, end, ...(options?.WITHSCORES ? ['WITHSCORES'] : []));
  }

  xadd(
    key: string,
    id: string,
    fields: Fields,
    options: { MAXLEN?: number; approximate?: boolean } = {},
  ): Promise<unknown> {
    const { MAXLEN, approximate = true } = options;
    const trim = MAXLEN === undefined ? [] : ['MAXLEN', ...(approximate ? ['~'] : []), MAXLEN];
    return this.#send('xadd', key, ...trim, id, ...Object.entries(fields).flat());
  }

  xread(
    streams: readonly { key: string; id: string }[],
    options?: { BLOCK?: number; COUNT?: number },
  ): Promise<unknown> {
    const [keys, ids] = [streams.map(({ key }) => key), streams.map(({ id }) => id)];
    return this.#send('xread', ...named(options, ['BLOCK', 'COUNT']), 'STREAMS', ...keys, ...ids);
  }

  xtrim(
    key: string,
    strategy: 'MAXLEN',
    threshold: number,
    { approximate = true }: { approximate?: boolean } = {},
  ): Promise<unknown> {
    return this.#send('xtrim', key, strategy, ...(approximate ? ['~'] : []), threshold);
  }

  scan(cursor: string | number, options?: { MATCH?: string; COUNT?: number }): Promise<unknown>;
  scan(args: readonly unknown[], callback: () => void): Promise<unknown>;
  scan(cursor: unknown, options?: unknown): Promise<unknown> {
    // The streams of the base class call it as any other command.
    if (typeof options === 'function') {
      return this.sendCommand(new Command('scan', cursor as unknown[], {}, options as () => void));
    }
    return this.#send('scan', cursor, ...named(options as object, ['MATCH', 'COUNT']));
  }

  clientSetName(name: string): Promise<unknown> {
    return this.#send('client', 'SETNAME', name);
  }

  clientList(): Promise<unknown> {
    return this.#send('client', 'LIST');
  }

  clientInfo(): Promise<unknown> {
    return this.#send('client', 'INFO');
  }

  #send(name: string, ...args: unknown[]): Promise<unknown> {
    return this.sendCommand(new Command(name, args));
  }
}

function scriptCommand(
  scripts: BullmqClient['scriptsSet'],
  name: string,
  args: readonly unknown[],
): Command {
  const script = scripts[name];
  if (!script) throw unsupported(`a script ${name}`, 'Give it to defineCommand first.');
  return new Command('evalsha', script.arguments(args.flat()), { script });
}

/** Options in the order of Redis' grammar, those that are given. */
function named(options: object | undefined, names: readonly string[]): unknown[] {
  const values = (options ?? {}) as Record<string, unknown>;
  return names.flatMap((name) => (values[name] === undefined ? [] : [name, values[name]]));
}
