import { nextMillisecond } from './support/cache-process.ts';
import { CONTESTANTS, type Handlers, start } from './support/contestant.ts';

describe.each(CONTESTANTS)('the handler of "use cache" of %s', (name) => {
  let handler: Handlers;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ handlers: handler, stop } = await start(name));
  });
  afterAll(() => stop?.());

  let keys = 0;
  let key: string;
  beforeEach(() => {
    key = `${name} ${keys++}`;
  });

  const textOf = async (softTags: string[] = []) => (await handler.get(key, softTags))?.text;
  const ago = (seconds: number) => Date.now() - seconds * 1000;

  test('answers nothing for what it does not have', async () => {
    expect(await handler.get(key)).toBeUndefined();
  });

  test('answers an entry again and again, each time with a stream of its own', async () => {
    const metadata = {
      tags: ['a', 'b'],
      stale: 300,
      timestamp: ago(1),
      expire: 60,
      revalidate: 30,
    };
    await handler.set(key, { texts: ['he', 'llo'], ...metadata });
    for (let round = 0; round < 2; round++) {
      expect(await handler.get(key)).toEqual({ text: 'hello', ...metadata });
    }
  });

  test('an empty value is a value', async () => {
    await handler.set(key, { texts: [''] });
    expect(await textOf()).toBe('');
  });

  test('a read waits for the write that has begun', async () => {
    const finish = await handler.begin(key);
    const found = handler.get(key);
    // The process does one thing after another: the read has begun when this is answered.
    expect(await handler.get(`${key} other`)).toBeUndefined();
    const first = await Promise.race([found, new Promise((done) => setImmediate(done, 'waits'))]);
    expect(first).toBe('waits');
    expect(await finish({ texts: ['late'] })).toBe('written');
    expect((await found)?.text).toBe('late');
  });

  test('half of a stream is not kept', async () => {
    await handler.set(key, { texts: ['ha'], failure: 'on purpose' });
    expect(await handler.get(key)).toBeUndefined();
  });

  test('what is dynamic is not kept', async () => {
    await handler.set(key, { texts: ['a'], expire: 0, revalidate: 0 });
    expect(await handler.get(key)).toBeUndefined();
  });

  test('an entry past its time of revalidation is not served', async () => {
    await handler.set(key, { texts: ['a'], timestamp: ago(10), revalidate: 9 });
    expect(await handler.get(key)).toBeUndefined();
    await handler.set(key, { texts: ['a'], timestamp: ago(10), revalidate: 60 });
    expect(await textOf()).toBe('a');
  });

  test('an entry that never expires is kept', async () => {
    const forever = { revalidate: Number.MAX_SAFE_INTEGER, expire: Number.POSITIVE_INFINITY };
    await handler.set(key, { texts: ['a'], ...forever });
    expect(await textOf()).toBe('a');
  });

  // https://github.com/vercel/next.js/issues/95442: a handler has to compare the tags of its entries itself, nobody else does.
  test('an updated tag takes away what has it, and nothing else', async () => {
    const tag = `tag ${key}`;
    await handler.set(key, { texts: ['a'], tags: [tag] });
    await handler.set(`${key} other`, { texts: ['a'], tags: ['another'] });
    await nextMillisecond();
    await handler.updateTags([tag]);
    await nextMillisecond();
    expect(await handler.get(key)).toBeUndefined();
    expect(await handler.read(`${key} other`, ['soft'])).toMatchObject({ text: 'a' });
    await handler.set(key, { texts: ['b'], tags: [tag] });
    expect(await textOf()).toBe('b');
  });

  test('a tag that is updated with durations makes entries stale: to be served and made anew', async () => {
    const tag = `tag ${key}`;
    await handler.set(key, { texts: ['a'], tags: [tag] });
    await nextMillisecond();
    await handler.updateTags([tag], { expire: 60 });
    expect(await handler.get(key)).toMatchObject({ text: 'a', revalidate: -1 });
    await handler.updateTags([tag], { expire: 0 });
    await nextMillisecond();
    expect(await handler.get(key)).toBeUndefined();
  });

  test('a soft tag takes an entry away for those who have it', async () => {
    const [soft, other] = [`soft ${key}`, `other ${key}`];
    await handler.set(key, { texts: ['a'], tags: ['own'] });
    expect(await handler.read(key, [soft])).toMatchObject({ text: 'a' });
    await nextMillisecond();
    await handler.updateTags([soft]);
    await nextMillisecond();
    expect(await handler.read(key, [other, soft])).toBeUndefined();
    expect(await handler.read(key, [other])).toMatchObject({ text: 'a' });
    await handler.set(key, { texts: ['b'], tags: ['own'] });
    expect(await handler.read(key, [soft])).toMatchObject({ text: 'b' });
  });

  test('tells when tags were last expired', async () => {
    expect(await handler.expirationOf([`soft ${key}`, `other ${key}`])).toBe(0);
    const before = Date.now();
    await handler.updateTags([`soft ${key}`]);
    const expiration = await handler.expirationOf([`soft ${key}`, `other ${key}`]);
    expect(expiration).toBeGreaterThanOrEqual(before - 1);
    expect(expiration).toBeLessThanOrEqual(Date.now() + 1);
    expect(await handler.expirationOf([`other ${key}`])).toBe(0);
  });

  const onlyOurs = name === 'Next.js' ? test.skip : test;

  onlyOurs('a write that failed holds nobody up', async () => {
    const finish = await handler.begin(key);
    expect(await finish()).toBe('on purpose');
    expect(await handler.get(key)).toBeUndefined();
  });
});
