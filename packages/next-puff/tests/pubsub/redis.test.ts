import { once } from 'node:events';
import { connect } from 'node:net';
import { RedisServer } from '../redis/support/redis-server.ts';
import { type Broker, conformance } from './support/conformance.ts';
import { NodeProcess } from './support/node-process.ts';
import { redisCommand } from './support/redis-command.ts';

async function start(): Promise<Broker & { server: RedisServer }> {
  const server = await RedisServer.start();
  return {
    server,
    env: { REDIS_URL: server.url },
    kill: () => server.kill(),
    restart: () => server.restart(),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    stop: () => server.stop(),
  };
}

conformance(start);

/** A process with these settings in its config. */
function configured(settings: object, env: Record<string, string>): NodeProcess {
  const all = { postgres: {}, requests: {}, ...settings };
  const NEXT_PUFF_CONFIG = JSON.stringify({ publisher: 'cli', settings: all });
  return new NodeProcess({ ...env, NEXT_PUFF_CONFIG });
}

describe('a Redis that others use, too', () => {
  let broker: Awaited<ReturnType<typeof start>>;
  let node: NodeProcess;
  const command = (...args: (string | Buffer)[]) => redisCommand(broker.server.port, ...args);
  const until = async (reply: string, ...args: string[]) => {
    const deadline = Date.now() + 30_000;
    while ((await command(...args)) !== reply) {
      if (Date.now() > deadline) expect(await command(...args)).toBe(reply);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  beforeAll(async () => {
    broker = await start();
  }, 60_000);

  afterAll(async () => {
    await broker.stop();
  }, 60_000);

  beforeEach(() => {
    node = new NodeProcess(broker.env);
  });

  afterEach(async () => {
    await node.stop();
  });

  test('what other programs publish arrives as text, or as bytes', async () => {
    await node.listen(['plain'], ['pl*']);
    await command('PUBLISH', 'plain', '{"from":"elsewhere"}');
    await command('PUBLISH', 'plain', Buffer.from([0xff, 0, 10]));
    const heard = await node.take(4);
    expect(heard.map(({ kind, pattern }) => [kind, pattern])).toEqual([
      ['text', undefined],
      ['text', 'pl*'],
      ['binary', undefined],
      ['binary', 'pl*'],
    ]);
    expect(heard[0]).toMatchObject({ value: '{"from":"elsewhere"}', sender: undefined });
    expect(heard[2]?.value).toEqual(new Uint8Array([0xff, 0, 10]));
  }, 60_000);

  test('other programs read what we publish behind the first line', async () => {
    const socket = connect(broker.server.port, '127.0.0.1');
    let read = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      read += text;
    });
    socket.write('SUBSCRIBE ours\r\n');
    await until('*2\r\n$4\r\nours\r\n:1\r\n', 'PUBSUB', 'NUMSUB', 'ours');
    await node.call('publish', 'ours', ['two\nlines', { json: true }]);
    const deadline = Date.now() + 30_000;
    while (!read.includes('{"json":true}')) {
      expect(Date.now()).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const id = await node.call<string>('id');
    expect(read).toMatch(new RegExp(`\\x01puff1:[0-9a-f]{32}:t:"${id}"\ntwo\nlines\r\n`));
    expect(read).toMatch(new RegExp(`\\x01puff1:[0-9a-f]{32}:j:"${id}"\n{"json":true}\r\n`));
    socket.destroy();
    await once(socket, 'close');
  }, 60_000);

  test('a process is subscribed to what somebody in it listens to, and to nothing else', async () => {
    const channels = Array.from({ length: 300 }, (_, number) => `upstream:${number}`);
    await node.listen(channels, ['upstream.*', 'upstream.?']);
    await until('*2\r\n$12\r\nupstream:299\r\n:1\r\n', 'PUBSUB', 'NUMSUB', 'upstream:299');
    expect(await command('PUBSUB', 'NUMPAT')).toBe(':2\r\n');
    expect(await command('PUBSUB', 'CHANNELS')).toMatch(/^\*300\r\n/);
    for (const channel of channels.slice(1)) await node.call('unsubscribe', channel);
    await node.call('unsubscribePattern', 'upstream.?');
    await until('*1\r\n$10\r\nupstream:0\r\n', 'PUBSUB', 'CHANNELS');
    await until(':1\r\n', 'PUBSUB', 'NUMPAT');
    // The one that is left still works.
    await command('PUBLISH', 'upstream:0', 'left');
    expect((await node.take(1))[0]?.value).toBe('left');
    await node.stop();
    await until('*0\r\n', 'PUBSUB', 'CHANNELS');
  }, 60_000);

  test('a process that Redis disconnects, because it reads too slowly, is told of the gap', async () => {
    await node.listen(['too much']);
    await command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 1mb 1');
    process.kill(node.pid, 'SIGSTOP');
    try {
      // Until the server gives the client up: nobody is subscribed any more.
      const large = Buffer.alloc(512 * 1024, 'x');
      const deadline = Date.now() + 60_000;
      while ((await command('PUBLISH', 'too much', large)) !== ':0\r\n') {
        expect(Date.now()).toBeLessThan(deadline);
      }
    } finally {
      process.kill(node.pid, 'SIGCONT');
    }
    await node.until(() => node.gaps > 0);
    await node.call('ready');
    await command('PUBLISH', 'too much', 'after it');
    await node.until(() => node.heard.at(-1)?.value === 'after it');
  }, 90_000);

  test('who may not subscribe to a channel is told what to do, and hears the others', async () => {
    const channels = ['resetchannels', '&open'];
    await command('ACL', 'SETUSER', 'ann', 'on', '>secret', '+@all', '~*', ...channels);
    const url = new URL(broker.server.url);
    Object.assign(url, { username: 'ann', password: 'secret' });
    const limited = new NodeProcess({ REDIS_URL: url.href });
    try {
      await limited.listen(['open']);
      await command('PUBLISH', 'open', 'heard');
      expect((await limited.take(1))[0]?.value).toBe('heard');
      await limited.call('subscribe', 'closed');
      const told = /"closed".*NOPERM.*ACL SETUSER <user> "&closed"/s;
      await expect(limited.call('ready')).rejects.toThrow(told);
      await limited.until(() => limited.refusal !== undefined);
      expect(limited.refusal).toMatch(/^PUFF_PUBSUB_REFUSED /);
      expect(limited.refusal).toMatch(told);
      // It concerns nobody else.
      await limited.call('unsubscribe', 'closed');
      await limited.call('ready');
    } finally {
      await limited.stop();
    }
  }, 60_000);

  test('a server that confirms a subscription too late is asked again, and nobody waits for ever', async () => {
    const patient = configured({ redis: { commandTimeoutMs: 1_500 } }, broker.env);
    try {
      await patient.listen(['early']);
      broker.server.freeze();
      await patient.call('subscribe', 'late');
      // Longer than it waits for an answer, and shorter than it takes to give the connection up.
      await new Promise((resolve) => setTimeout(resolve, 2_200));
      broker.server.thaw();
      await patient.call('ready');
      await command('PUBLISH', 'late', 'heard');
      await patient.until(() => patient.heard.some(({ value }) => value === 'heard'));
    } finally {
      broker.server.thaw();
      await patient.stop();
    }
  }, 60_000);

  test('a publisher that loses messages tells whoever listens to their channels', async () => {
    const listener = new NodeProcess(broker.env);
    try {
      await listener.listen(['lost'], ['lo?t']);
      await node.call('publish', 'lost', ['before']);
      await listener.take(2);
      // The publisher's connection ends while a message is under way; the listener's stays.
      await command('CLIENT', 'PAUSE', '60000', 'WRITE');
      await node.call('publish', 'lost', ['maybe']);
      const deadline = Date.now() + 30_000;
      while (!/flags=b/.test(await command('CLIENT', 'LIST', 'TYPE', 'normal'))) {
        expect(Date.now()).toBeLessThan(deadline);
      }
      expect(await command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')).toBe(':1\r\n');
      await command('CLIENT', 'UNPAUSE');
      await listener.until(() => listener.gaps > 0);
      await node.call('publish', 'lost', ['after']);
      await listener.until(() => listener.heard.some(({ value }) => value === 'after'));
    } finally {
      await listener.stop();
    }
  }, 90_000);

  describe('the transport', () => {
    const nowhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };

    test('is Redis where there is one, whatever else there is', async () => {
      const other = configured({}, { ...broker.env, ...nowhere });
      try {
        await Promise.all([node.listen(['chosen']), other.call('flush')]);
        await other.call('publish', 'chosen', ['by Redis']);
        expect((await node.take(1))[0]?.value).toBe('by Redis');
      } finally {
        await other.stop();
      }
    }, 60_000);

    test('is none where the config says so', async () => {
      const alone = configured({ pubsub: { transport: 'none' } }, broker.env);
      try {
        await alone.listen(['alone']);
        await alone.call('publish', 'alone', ['here']);
        expect((await alone.take(1))[0]?.value).toBe('here');
        expect(await command('PUBSUB', 'NUMSUB', 'alone')).toBe('*2\r\n$5\r\nalone\r\n:0\r\n');
      } finally {
        await alone.stop();
      }
    }, 60_000);

    test('has to be configured', async () => {
      const missing = configured({ pubsub: { transport: 'redis' } }, nowhere);
      const wrong = configured({}, { REDIS_URL: 'http://127.0.0.1' });
      try {
        await expect(missing.call('publish', 'a', [1])).rejects.toThrow(/No Redis is configured/);
        await expect(wrong.call('publish', 'a', [1])).rejects.toThrow(/PUFF_REDIS_CONFIG|URL/);
      } finally {
        await Promise.all([missing.stop(), wrong.stop()]);
      }
    }, 60_000);
  });
});
