import type { RedisArgument, RedisReply } from './connection.js';
import type { Executor, RedisOptions } from './executor.js';

/** How {@link TypedCommands.set} sets. */
export interface SetOptions extends RedisOptions {
  /** Only where the key is absent. */
  nx?: boolean;
  /** Only where the key is there. */
  xx?: boolean;
  /** Lifetime in seconds. */
  ex?: number;
  /** Lifetime in milliseconds. */
  px?: number;
  /** Keep the lifetime that the key has. */
  keepttl?: boolean;
  /** Answer with the former value. */
  get?: boolean;
}

/** How a scan goes. */
export interface ScanOptions extends RedisOptions {
  /** Only names that match this pattern. */
  match?: string;
  /** About how many to look at in one step. */
  count?: number;
  /** Only keys of this type. */
  type?: string;
}

/** How streams are read. */
export interface ReadStreamsOptions extends RedisOptions {
  /** Entries per stream at most. */
  count?: number;
  /** Wait for so many milliseconds for the first entry, 0 for ever; on a connection of its own. */
  blockMs?: number;
}

/** An entry of a stream: its id, and field after value. */
export type StreamEntry = [id: string, fields: string[]];

/** A string, or nothing. With `buffers`, what is a string here is a `Buffer`: use `redis.buffers`. */
type Text = string | null;

/** The common commands with their types; all others by {@link TypedCommands.command}. */
export class TypedCommands {
  readonly #executor: Executor;
  readonly #defaults: RedisOptions | undefined;

  constructor(executor: Executor, defaults?: RedisOptions) {
    this.#executor = executor;
    this.#defaults = defaults;
  }

  /** Runs any command. One that may block has methods of its own. */
  command(args: readonly RedisArgument[], options?: RedisOptions): Promise<RedisReply> {
    return this.#run(args, options);
  }

  #run<T = RedisReply>(args: readonly RedisArgument[], options?: RedisOptions): Promise<T> {
    const all = this.#defaults === undefined ? options : { ...this.#defaults, ...options };
    return this.#executor.run(args, all) as Promise<T>;
  }

  #block<T>(args: readonly RedisArgument[], options?: RedisOptions): Promise<T> {
    const all = this.#defaults === undefined ? options : { ...this.#defaults, ...options };
    return this.#executor.runBlocking(args, all) as Promise<T>;
  }

  // Strings and keys.

  get(key: RedisArgument, options?: RedisOptions): Promise<Text> {
    return this.#run(['GET', key], options);
  }

  /** Answers `'OK'`, `null` where `nx` or `xx` forbade it, or with `get` the former value. */
  set(key: RedisArgument, value: RedisArgument, options: SetOptions = {}): Promise<Text> {
    const { nx, xx, ex, px, keepttl, get, ...rest } = options;
    const args: RedisArgument[] = ['SET', key, value];
    if (nx) args.push('NX');
    if (xx) args.push('XX');
    if (get) args.push('GET');
    if (ex !== undefined) args.push('EX', ex);
    if (px !== undefined) args.push('PX', px);
    if (keepttl) args.push('KEEPTTL');
    return this.#run(args, rest);
  }

  mget(keys: readonly RedisArgument[], options?: RedisOptions): Promise<Text[]> {
    return this.#run(['MGET', ...keys], options);
  }

  mset(values: Readonly<Record<string, RedisArgument>>): Promise<'OK'> {
    return this.#run(['MSET', ...Object.entries(values).flat()]);
  }

  /** Answers how many there were. */
  del(...keys: RedisArgument[]): Promise<number> {
    return this.#run(['DEL', ...keys]);
  }

  exists(...keys: RedisArgument[]): Promise<number> {
    return this.#run(['EXISTS', ...keys]);
  }

  /** Sets the lifetime in seconds; answers 1, or 0 without such a key. */
  expire(key: RedisArgument, seconds: number): Promise<number> {
    return this.#run(['EXPIRE', key, seconds]);
  }

  /** As {@link expire}, in milliseconds. */
  pexpire(key: RedisArgument, milliseconds: number): Promise<number> {
    return this.#run(['PEXPIRE', key, milliseconds]);
  }

  /** Takes the lifetime away. */
  persist(key: RedisArgument): Promise<number> {
    return this.#run(['PERSIST', key]);
  }

  /** Seconds to live; -1 without a limit, -2 without such a key. */
  ttl(key: RedisArgument): Promise<number> {
    return this.#run(['TTL', key]);
  }

  /** As {@link ttl}, in milliseconds. */
  pttl(key: RedisArgument): Promise<number> {
    return this.#run(['PTTL', key]);
  }

  type(key: RedisArgument): Promise<string> {
    return this.#run(['TYPE', key]);
  }

  /** Beyond 2^53 the answer is a `bigint`, as with all whole numbers. */
  incr(key: RedisArgument): Promise<number> {
    return this.#run(['INCR', key]);
  }

  incrby(key: RedisArgument, by: number): Promise<number> {
    return this.#run(['INCRBY', key, by]);
  }

  incrbyfloat(key: RedisArgument, by: number): Promise<string> {
    return this.#run(['INCRBYFLOAT', key, by]);
  }

  decr(key: RedisArgument): Promise<number> {
    return this.#run(['DECR', key]);
  }

  decrby(key: RedisArgument, by: number): Promise<number> {
    return this.#run(['DECRBY', key, by]);
  }

  /** Answers the new length in bytes. */
  append(key: RedisArgument, value: RedisArgument): Promise<number> {
    return this.#run(['APPEND', key, value]);
  }

  strlen(key: RedisArgument): Promise<number> {
    return this.#run(['STRLEN', key]);
  }

  getdel(key: RedisArgument, options?: RedisOptions): Promise<Text> {
    return this.#run(['GETDEL', key], options);
  }

  // Lists.

  lpush(key: RedisArgument, ...values: RedisArgument[]): Promise<number> {
    return this.#run(['LPUSH', key, ...values]);
  }

  rpush(key: RedisArgument, ...values: RedisArgument[]): Promise<number> {
    return this.#run(['RPUSH', key, ...values]);
  }

  lpop(key: RedisArgument, options?: RedisOptions): Promise<Text> {
    return this.#run(['LPOP', key], options);
  }

  rpop(key: RedisArgument, options?: RedisOptions): Promise<Text> {
    return this.#run(['RPOP', key], options);
  }

  llen(key: RedisArgument): Promise<number> {
    return this.#run(['LLEN', key]);
  }

  lrange(
    key: RedisArgument,
    start: number,
    stop: number,
    options?: RedisOptions,
  ): Promise<string[]> {
    return this.#run(['LRANGE', key, start, stop], options);
  }

  lindex(key: RedisArgument, index: number, options?: RedisOptions): Promise<Text> {
    return this.#run(['LINDEX', key, index], options);
  }

  lset(key: RedisArgument, index: number, value: RedisArgument): Promise<'OK'> {
    return this.#run(['LSET', key, index, value]);
  }

  ltrim(key: RedisArgument, start: number, stop: number): Promise<'OK'> {
    return this.#run(['LTRIM', key, start, stop]);
  }

  lrem(key: RedisArgument, count: number, value: RedisArgument): Promise<number> {
    return this.#run(['LREM', key, count, value]);
  }

  lmove(
    from: RedisArgument,
    to: RedisArgument,
    fromSide: 'LEFT' | 'RIGHT',
    toSide: 'LEFT' | 'RIGHT',
    options?: RedisOptions,
  ): Promise<Text> {
    return this.#run(['LMOVE', from, to, fromSide, toSide], options);
  }

  rpoplpush(from: RedisArgument, to: RedisArgument, options?: RedisOptions): Promise<Text> {
    return this.#run(['RPOPLPUSH', from, to], options);
  }

  /** Waits for an element for so many seconds, 0 for ever; on a connection of its own. */
  blpop(
    keys: readonly RedisArgument[],
    seconds: number,
    options?: RedisOptions,
  ): Promise<[key: string, value: string] | null> {
    return this.#block(['BLPOP', ...keys, seconds], options);
  }

  /** As {@link blpop}, from the end. */
  brpop(
    keys: readonly RedisArgument[],
    seconds: number,
    options?: RedisOptions,
  ): Promise<[key: string, value: string] | null> {
    return this.#block(['BRPOP', ...keys, seconds], options);
  }

  brpoplpush(
    from: RedisArgument,
    to: RedisArgument,
    seconds: number,
    options?: RedisOptions,
  ): Promise<Text> {
    return this.#block(['BRPOPLPUSH', from, to, seconds], options);
  }

  blmove(
    from: RedisArgument,
    to: RedisArgument,
    fromSide: 'LEFT' | 'RIGHT',
    toSide: 'LEFT' | 'RIGHT',
    seconds: number,
    options?: RedisOptions,
  ): Promise<Text> {
    return this.#block(['BLMOVE', from, to, fromSide, toSide, seconds], options);
  }

  // Hashes.

  hget(key: RedisArgument, field: RedisArgument, options?: RedisOptions): Promise<Text> {
    return this.#run(['HGET', key, field], options);
  }

  /** Answers how many fields are new. */
  hset(key: RedisArgument, fields: Readonly<Record<string, RedisArgument>>): Promise<number> {
    return this.#run(['HSET', key, ...Object.entries(fields).flat()]);
  }

  hmget(
    key: RedisArgument,
    fields: readonly RedisArgument[],
    options?: RedisOptions,
  ): Promise<Text[]> {
    return this.#run(['HMGET', key, ...fields], options);
  }

  /** All fields; none of a key that is absent. */
  async hgetall(key: RedisArgument, options?: RedisOptions): Promise<Record<string, string>> {
    const list = await this.#run<string[]>(['HGETALL', key], options);
    const fields: [string, string][] = [];
    for (let i = 0; i < list.length; i += 2) {
      fields.push([String(list[i]), list[i + 1] as string]);
    }
    return Object.fromEntries(fields);
  }

  hdel(key: RedisArgument, ...fields: RedisArgument[]): Promise<number> {
    return this.#run(['HDEL', key, ...fields]);
  }

  hexists(key: RedisArgument, field: RedisArgument): Promise<number> {
    return this.#run(['HEXISTS', key, field]);
  }

  hincrby(key: RedisArgument, field: RedisArgument, by: number): Promise<number> {
    return this.#run(['HINCRBY', key, field, by]);
  }

  hkeys(key: RedisArgument, options?: RedisOptions): Promise<string[]> {
    return this.#run(['HKEYS', key], options);
  }

  hvals(key: RedisArgument, options?: RedisOptions): Promise<string[]> {
    return this.#run(['HVALS', key], options);
  }

  hlen(key: RedisArgument): Promise<number> {
    return this.#run(['HLEN', key]);
  }

  // Sets.

  sadd(key: RedisArgument, ...members: RedisArgument[]): Promise<number> {
    return this.#run(['SADD', key, ...members]);
  }

  srem(key: RedisArgument, ...members: RedisArgument[]): Promise<number> {
    return this.#run(['SREM', key, ...members]);
  }

  smembers(key: RedisArgument, options?: RedisOptions): Promise<string[]> {
    return this.#run(['SMEMBERS', key], options);
  }

  sismember(key: RedisArgument, member: RedisArgument): Promise<number> {
    return this.#run(['SISMEMBER', key, member]);
  }

  scard(key: RedisArgument): Promise<number> {
    return this.#run(['SCARD', key]);
  }

  // Sorted sets.

  zadd(key: RedisArgument, scores: Readonly<Record<string, number>>): Promise<number> {
    const args = Object.entries(scores).flatMap(([member, score]) => [score, member]);
    return this.#run(['ZADD', key, ...args]);
  }

  zrem(key: RedisArgument, ...members: RedisArgument[]): Promise<number> {
    return this.#run(['ZREM', key, ...members]);
  }

  zcard(key: RedisArgument): Promise<number> {
    return this.#run(['ZCARD', key]);
  }

  async zscore(key: RedisArgument, member: RedisArgument): Promise<number | null> {
    const score = await this.#run<Text>(['ZSCORE', key, member]);
    return score === null ? null : Number(score);
  }

  zincrby(key: RedisArgument, by: number, member: RedisArgument): Promise<string> {
    return this.#run(['ZINCRBY', key, by, member]);
  }

  zrank(key: RedisArgument, member: RedisArgument): Promise<number | null> {
    return this.#run(['ZRANK', key, member]);
  }

  zrange(
    key: RedisArgument,
    start: number,
    stop: number,
    options?: RedisOptions,
  ): Promise<string[]> {
    return this.#run(['ZRANGE', key, start, stop], options);
  }

  zrangebyscore(
    key: RedisArgument,
    min: RedisArgument,
    max: RedisArgument,
    options?: RedisOptions,
  ): Promise<string[]> {
    return this.#run(['ZRANGEBYSCORE', key, min, max], options);
  }

  // Streams.

  /** Answers the new entry's id. */
  xadd(
    key: RedisArgument,
    fields: Readonly<Record<string, RedisArgument>>,
    options: RedisOptions & { id?: string; maxLength?: number } = {},
  ): Promise<string> {
    const { id = '*', maxLength, ...rest } = options;
    const limit: RedisArgument[] = maxLength === undefined ? [] : ['MAXLEN', '~', maxLength];
    return this.#run(['XADD', key, ...limit, id, ...Object.entries(fields).flat()], rest);
  }

  xlen(key: RedisArgument): Promise<number> {
    return this.#run(['XLEN', key]);
  }

  xrange(
    key: RedisArgument,
    start: string,
    end: string,
    options?: RedisOptions,
  ): Promise<StreamEntry[]> {
    return this.#run(['XRANGE', key, start, end], options);
  }

  /** Reads entries after an id of each stream (`$`: from now on); `null` where there are none. */
  xread(
    streams: Readonly<Record<string, string>>,
    options: ReadStreamsOptions = {},
  ): Promise<[stream: string, entries: StreamEntry[]][] | null> {
    return this.#readStreams(['XREAD'], streams, options);
  }

  /** Reads entries for a member of a group (`>`: those that nobody got). */
  xreadgroup(
    group: string,
    consumer: string,
    streams: Readonly<Record<string, string>>,
    options: ReadStreamsOptions = {},
  ): Promise<[stream: string, entries: StreamEntry[]][] | null> {
    return this.#readStreams(['XREADGROUP', 'GROUP', group, consumer], streams, options);
  }

  #readStreams<T>(
    args: RedisArgument[],
    streams: Readonly<Record<string, string>>,
    { count, blockMs, ...options }: ReadStreamsOptions,
  ): Promise<T> {
    if (count !== undefined) args.push('COUNT', count);
    if (blockMs !== undefined) args.push('BLOCK', blockMs);
    args.push('STREAMS', ...Object.keys(streams), ...Object.values(streams));
    return blockMs === undefined ? this.#run(args, options) : this.#block(args, options);
  }

  xack(key: RedisArgument, group: string, ...ids: string[]): Promise<number> {
    return this.#run(['XACK', key, group, ...ids]);
  }

  /** Makes a group that begins after an id (`$`: from now on), and the stream where it is absent. */
  xgroupCreate(key: RedisArgument, group: string, id: string): Promise<'OK'> {
    return this.#run(['XGROUP', 'CREATE', key, group, id, 'MKSTREAM']);
  }

  // Others.

  /** Answers how many connections got it. */
  publish(channel: RedisArgument, message: RedisArgument): Promise<number> {
    return this.#run(['PUBLISH', channel, message]);
  }

  ping(): Promise<string> {
    return this.#run(['PING']);
  }

  /** Keys, step by step; a key may come twice. */
  scan(options: ScanOptions = {}): AsyncGenerator<string, void, void> {
    return this.#scan(['SCAN'], options);
  }

  /** Members of a set, step by step. */
  sscan(key: RedisArgument, options: ScanOptions = {}): AsyncGenerator<string, void, void> {
    return this.#scan(['SSCAN', key], options);
  }

  async *#scan(
    command: RedisArgument[],
    { match, count, type, ...options }: ScanOptions,
  ): AsyncGenerator<string, void, void> {
    const rest: RedisArgument[] = [];
    if (match !== undefined) rest.push('MATCH', match);
    if (count !== undefined) rest.push('COUNT', count);
    if (type !== undefined) rest.push('TYPE', type);
    let cursor = '0';
    do {
      const [next, items] = await this.#run<[string, string[]]>(
        [...command, cursor, ...rest],
        options,
      );
      yield* items;
      cursor = String(next);
    } while (cursor !== '0');
  }
}
