import { type Heard, NodeProcess } from './node-process.ts';

/** A server that brings messages from one process to another. */
export interface Broker {
  /** What processes find it by. */
  readonly env: Record<string, string>;
  /** Kills it; it is down until `restart`. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Stops its processes, with their connections. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

const LIMIT_MS = 120_000;

/** What every transport of pub/sub has to do: two processes on one server. */
export function conformance(start: () => Promise<Broker>): void {
  let broker: Broker;
  let one: NodeProcess;
  let two: NodeProcess;

  beforeAll(async () => {
    broker = await start();
  }, LIMIT_MS);

  afterAll(async () => {
    await broker.stop();
  }, LIMIT_MS);

  beforeEach(() => {
    one = new NodeProcess(broker.env);
    two = new NodeProcess(broker.env);
  });

  afterEach(async () => {
    await Promise.all([one.stop(), two.stop()]);
  });

  test('text, bytes and JSON arrive as they were published, in order and under the id of their connection', async () => {
    await Promise.all([one.listen(['back']), two.listen(['there'])]);
    const values = [
      'text',
      '',
      'é\u{1F600}\n\r\nline',
      { nul: '\0', list: [1, null, 'ü'] },
      42,
      new Uint8Array([0, 1, 13, 10, 255]),
      new Uint8Array(),
      'x'.repeat(10_000),
    ];
    await one.call('publish', 'there', values);
    const heard = await two.take(values.length);
    expect(heard.map(({ value }) => value)).toEqual(values);
    expect(heard.map(({ kind }) => kind)).toEqual([
      ...['text', 'text', 'text', 'json', 'json', 'binary', 'binary', 'text'],
    ]);
    const id = await one.call<string>('id');
    expect(new Set(heard.map(({ sender }) => sender))).toEqual(new Set([id]));
    // And the other way.
    await two.call('publish', 'back', ['answer']);
    expect((await one.take(1))[0]).toMatchObject({ value: 'answer', channel: 'back' });
  }, 60_000);

  test('messages of 1 MB arrive between short ones', async () => {
    await two.listen(['large']);
    const text = 'é'.repeat(512 * 1024);
    const bytes = new Uint8Array(1024 * 1024).map((_, index) => index * 7);
    await one.call('publish', 'large', ['first', text, bytes, 'last']);
    const heard = await two.take(4);
    expect(heard.map(({ kind }) => kind)).toEqual(['text', 'text', 'binary', 'text']);
    expect(heard[1]?.value === text).toBe(true);
    expect(Buffer.compare(heard[2]?.value as Uint8Array, bytes)).toBe(0);
    expect(heard[3]?.value).toBe('last');
  }, 60_000);

  test('a process hears what it listens to, its own messages once', async () => {
    await Promise.all([one.listen(['mine', 'both']), two.listen(['both', 'last'])]);
    await one.call('publish', 'nobody', ['nothing']);
    await one.call('publish', 'mine', [1]);
    await one.call('publish', 'both', [2]);
    expect((await two.take(1))[0]?.value).toBe(2);
    await two.call('publish', 'both', [3]);
    expect((await one.take(3)).map(({ value }) => value)).toEqual([1, 2, 3]);
    await one.call('unsubscribe', 'both');
    await two.call('publish', 'both', [4]);
    await two.call('publish', 'mine', [5]);
    expect((await one.take(1))[0]?.value).toBe(5);
    expect((await two.take(2)).map(({ value }) => value)).toEqual([3, 4]);
  }, 60_000);

  test('patterns match the same channels here and there', async () => {
    const patterns = ['p.*', 'p.[a-c]?', 'p.[^a]*', 'p.\\*', 'p.?', '*.é', 'nothing*'];
    const channels = ['p.', 'p.a', 'p.ab', 'p.*', 'p.é', 'p.zz', 'q.é', 'p'];
    await Promise.all([one.listen([], patterns), two.listen(['p.a'], patterns)]);
    for (const channel of channels) await one.call('publish', channel, [channel]);
    await one.call('publish', 'p.end', ['end']);
    const isEnd = ({ value, pattern }: Heard) => value === 'end' && pattern === 'p.[^a]*';
    const sets = [];
    for (const node of [one, two]) {
      await node.until(() => node.heard.some(isEnd));
      const byPattern = node.heard.filter(({ value }) => value !== 'end');
      for (const { channel, value } of byPattern) expect(channel).toBe(value);
      sets.push(byPattern.map(({ channel, pattern }) => `${channel} ${pattern}`).sort());
    }
    expect(sets[1]).toEqual([...(sets[0] as string[]), 'p.a undefined'].sort());
    expect(sets[0]).toEqual(expect.arrayContaining(['p.ab p.[a-c]?', 'p.* p.\\*', 'q.é *.é']));
    expect(sets[0]).toHaveLength(15);

    await two.call('unsubscribePattern', 'p.*');
    await one.call('publish', 'p.end', ['more']);
    await one.call('publish', 'p.a', ['the end']);
    const isLast = ({ value, pattern }: Heard) => value === 'the end' && pattern === undefined;
    await two.until(() => two.heard.some(isLast));
    const more = two.heard.filter(({ value }) => value === 'more');
    expect(more.map(({ pattern }) => pattern)).toEqual(['p.[^a]*']);
  }, 60_000);

  test('a server that is killed under load loses some messages, in order, and tells of the gap', async () => {
    await Promise.all([two.listen(['flood']), one.call('ready')]);
    const flood = one.call<{ next: number; refused: number; longestMs: number }>(
      'flood',
      'flood',
      0,
    );
    await two.until(() => two.heard.length > 100);
    await broker.kill();
    const before = two.heard.length;
    await broker.restart();
    await two.until(() => two.gaps > 0 && two.heard.length > before + 100);
    await one.call('calm');
    const { next } = await flood;
    await one.call('flush');
    await one.call('publish', 'flood', ['end']);
    await two.until(() => two.heard.at(-1)?.value === 'end');
    const numbers = two.heard.slice(0, -1).map(({ value }) => value as number);
    for (let index = 1; index < numbers.length; index++) {
      // At most once, and in order.
      if (!((numbers[index] as number) > (numbers[index - 1] as number))) {
        throw new Error(`${numbers[index]} came after ${numbers[index - 1]}`);
      }
    }
    expect(numbers.at(-1)).toBe(next - 1);
  }, 90_000);

  test('a server that stands still holds up nobody, and what waited for it arrives', async () => {
    await two.listen(['frozen', 'local']);
    await one.listen(['frozen']);
    await one.call('publish', 'frozen', ['before']);
    await two.take(1);
    await one.take(1);
    broker.freeze();
    try {
      // Here they arrive at once.
      await one.call('publish', 'frozen', ['while', { it: 'stands' }]);
      expect((await one.take(2)).map(({ value }) => value)).toEqual(['while', { it: 'stands' }]);
      expect(two.heard).toEqual([]);
    } finally {
      broker.thaw();
    }
    // Unless a process has given its connection up meanwhile, and tells of it.
    await two.until(() => two.heard.length === 2 || two.gaps > 0);
    if (two.gaps === 0) {
      expect(two.heard.map(({ value }) => value)).toEqual(['while', { it: 'stands' }]);
    }
  }, 60_000);

  test('a process that stands still holds up nobody, and goes on', async () => {
    await two.listen(['sleeping']);
    await one.listen(['sleeping']);
    process.kill(two.pid, 'SIGSTOP');
    try {
      const values = Array.from({ length: 500 }, (_, number) => number);
      await one.call('publish', 'sleeping', values);
      await one.call('flush');
      expect((await one.take(500)).map(({ value }) => value)).toEqual(values);
    } finally {
      process.kill(two.pid, 'SIGCONT');
    }
    const heard = await two.take(500);
    expect(heard.at(-1)?.value).toBe(499);
  }, 60_000);
}
