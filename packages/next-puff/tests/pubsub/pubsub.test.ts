import { Worker } from 'node:worker_threads';
import { pubsub } from 'next-puff/pubsub';

test('a message reaches whoever listens to its channel, in order', async () => {
  const one = pubsub.subscribe('news');
  const two = pubsub.subscribe(['news', 'weather']);
  expect(pubsub.publish('news', 'first')).toBe(2);
  expect(pubsub.publish('weather', { rain: true })).toBe(1);
  expect(pubsub.publish('news', new Uint8Array([0, 255]))).toBe(2);
  expect(pubsub.publish('sports', 'nobody')).toBe(0);

  const read = [await two.receive(), await two.receive(), await two.receive()];
  expect(read.map((message) => [message?.channel, message?.kind])).toEqual([
    ['news', 'text'],
    ['weather', 'json'],
    ['news', 'binary'],
  ]);
  expect(read[0]?.text).toBe('first');
  expect(read[1]?.json()).toEqual({ rain: true });
  expect(read[2]?.bytes).toEqual(new Uint8Array([0, 255]));
  expect((await one.receive())?.text).toBe('first');
  one.close();
  two.close();
});

test('a message tells the connection that published it', async () => {
  const speaker = pubsub.connection();
  const listener = pubsub.subscribe('chat');
  speaker.publish('chat', 'hello');
  pubsub.publishAs('somebody', 'chat', 'hi');
  pubsub.publish('chat', 'anonymous');
  expect((await listener.receive())?.sender).toBe(speaker.id);
  expect((await listener.receive())?.sender).toBe('somebody');
  expect((await listener.receive())?.sender).toBeUndefined();
  speaker.close();
  listener.close();
});

test('leaving the loop, a signal and close end a connection', async () => {
  const left = pubsub.subscribe('ends');
  pubsub.publish('ends', '1');
  for await (const message of left) {
    expect(message.text).toBe('1');
    break;
  }
  const controller = new AbortController();
  const aborted = pubsub.subscribe('ends', { signal: controller.signal });
  const waiting = aborted.receive();
  controller.abort();
  expect(await waiting).toBeUndefined();
  expect(pubsub.publish('ends', '2')).toBe(0);
});

test('a pattern brings the messages of all channels that match it', async () => {
  const connection = pubsub.subscribe({ pattern: ['polls.*', 'poll?.1'] });
  connection.subscribe('polls.1');
  expect(pubsub.publish('polls.1', 'first')).toBe(3);
  expect(pubsub.publish('polls.élan', new Uint8Array([7]))).toBe(1);
  expect(pubsub.publish('other.1', 'nobody')).toBe(0);
  connection.unsubscribePattern('poll?.1');
  connection.unsubscribe('polls.1');
  pubsub.publishAs('é', 'polls.1', { last: 'ü' });

  const read = [];
  for (let count = 0; count < 5; count++) read.push(await connection.receive());
  const seen = read.map((message) => [message?.channel, message?.pattern]);
  expect(seen.slice(0, 3)).toEqual(
    expect.arrayContaining([
      ['polls.1', undefined],
      ['polls.1', 'polls.*'],
      ['polls.1', 'poll?.1'],
    ]),
  );
  expect(seen.slice(3)).toEqual([
    ['polls.élan', 'polls.*'],
    ['polls.1', 'polls.*'],
  ]);
  expect(read[3]?.bytes).toEqual(new Uint8Array([7]));
  expect(read[4]?.json()).toEqual({ last: 'ü' });
  expect(read[4]?.sender).toBe('é');
  connection.close();
  expect(pubsub.publish('polls.1', 'nobody')).toBe(0);
});

test('a burst is read without losing any, whatever the messages are', async () => {
  const connection = pubsub.subscribe('burst');
  const values = Array.from({ length: 5_000 }, (_, number) => {
    if (number % 3 === 0) return `text ü ${number}`;
    return number % 3 === 1 ? { number, text: 'x'.repeat(number % 50) } : Buffer.from(`${number}`);
  });
  for (const value of values) pubsub.publish('burst', value);
  for (const value of values) {
    const message = await connection.receive();
    if (typeof value === 'string') expect(message?.text).toBe(value);
    else if (value instanceof Uint8Array) expect(Buffer.from(message?.bytes ?? [])).toEqual(value);
    else expect(message?.json()).toEqual(value);
  }
  expect(connection.dropped).toBe(0);
  connection.close();
});

test('a text arrives whole, however long it is and whatever is in it', async () => {
  const connection = pubsub.connection();
  // Around the room that is taken at first, in characters of one to four bytes.
  for (const character of ['x', 'é', '€', '😀']) {
    for (const length of [0, 1, 1_023, 1_024, 2_047, 4_089, 4_094, 4_095, 4_096, 100_000]) {
      const text = character.repeat(length);
      const channel = `whole ${text.slice(0, 5_000)}`;
      connection.subscribe(channel);
      expect(pubsub.publish(channel, text)).toBe(1);
      expect(pubsub.publishAs(text, channel, 'sender')).toBe(1);
      const [message, sent] = [await connection.receive(), await connection.receive()];
      expect(message?.channel === channel && message.text === text).toBe(true);
      expect(sent?.sender === text && sent.text === 'sender').toBe(true);
      connection.unsubscribe(channel);
    }
  }
  connection.subscribe('half');
  pubsub.publish('half', 'half a pair: \ud83d');
  expect((await connection.receive())?.text).toBe('half a pair: \ufffd');
  const part = new Uint8Array(new ArrayBuffer(10), 3, 4).fill(7);
  pubsub.publish('half', part);
  expect((await connection.receive())?.bytes).toEqual(new Uint8Array(4).fill(7));
  connection.close();
});

test('what was read late is still there after unsubscribe', async () => {
  const connection = pubsub.subscribe(['a', 'b']);
  pubsub.publish('a', '1');
  // Published messages arrive with the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  connection.unsubscribe('a');
  expect(pubsub.publish('a', '2')).toBe(0);
  expect(pubsub.publish('b', '3')).toBe(1);
  expect((await connection.receive())?.text).toBe('1');
  expect((await connection.receive())?.text).toBe('3');
  connection.close();
  expect(await connection.receive()).toBeUndefined();
});

test('a reader that is too slow loses the oldest messages, and can see it', async () => {
  const connection = pubsub.subscribe('fast', { buffer: 2 });
  for (const text of ['1', '2', '3', '4']) pubsub.publish('fast', text);
  const last = pubsub.subscribe('fast');
  pubsub.publish('fast', '5');
  await last.receive();
  expect(connection.dropped).toBe(3);
  expect((await connection.receive())?.text).toBe('4');
  expect((await connection.receive())?.text).toBe('5');
  connection.close();
  last.close();
});

test('what cannot be published is refused', () => {
  expect(() => pubsub.publish('a', undefined)).toThrow(
    /undefined is nothing that can be published/,
  );
  expect(() => pubsub.publish('a', () => {})).toThrow(TypeError);
  expect(() => pubsub.publish(5 as unknown as string, 'a')).toThrow(
    /argument 1 has to be a string/,
  );
  expect(() => pubsub.connection({ buffer: 0 })).toThrow(RangeError);
});

test('worker threads of the process hear each other', async () => {
  const listener = pubsub.subscribe('threads');
  const worker = new Worker(
    `import('next-puff/pubsub').then(({ pubsub }) => {
       const connection = pubsub.subscribe('to the worker');
       pubsub.publish('threads', 'ready');
       return connection.receive().then((message) => pubsub.publish('threads', message.text + '!'));
     });
     setInterval(() => {}, 1000);`,
    { eval: true },
  );
  try {
    expect((await listener.receive())?.text).toBe('ready');
    pubsub.publish('to the worker', 'hello');
    expect((await listener.receive())?.text).toBe('hello!');
  } finally {
    await worker.terminate();
    listener.close();
  }
  expect(pubsub.publish('to the worker', 'anybody there?')).toBe(0);
});
