import { AppProcess } from '../server/support/app-process.ts';
import { refusal, SocketClient, until } from './support/client.ts';
import { build, FIXTURE_DIR } from './support/socket-app.ts';

// What the app exports as UPGRADE has to survive both bundlers.
const VARIANTS = [
  { bundler: 'turbopack', basePath: '' },
  { bundler: 'webpack', basePath: '/base' },
] as const;

describe.each(VARIANTS)('an app built by $bundler below "$basePath"', ({ bundler, basePath }) => {
  let app: AppProcess;
  const env = { FIXTURE_DIST_DIR: `.next/${bundler}`, FIXTURE_BASE_PATH: basePath };

  const url = (path: string) => `ws://127.0.0.1:${app.port}${basePath}${path}`;
  const connect = (path: string, options?: Parameters<typeof SocketClient.connect>[1]) =>
    SocketClient.connect(url(path), options);
  const printed = (text: string) => until(() => app.output.includes(text));

  beforeAll(async () => {
    await build(bundler, env);
    app = await AppProcess.start('next-puff', FIXTURE_DIR, { env, removesDir: false });
  }, 180_000);

  afterAll(() => app?.kill());

  test('a handler of next-ws runs as it is', async () => {
    const client = await connect('/echo');
    client.socket.send('a text');
    expect(await client.next()).toBe('a text');
    client.socket.send(Buffer.from([1, 2, 3]));
    expect(await client.next()).toEqual(Buffer.from([1, 2, 3]));
    expect(await client.close(3456, 'bye')).toEqual({ code: 3456, reason: '' });
    await printed('echo closed 3456 bye, 0 left');
  });

  test('the handler gets the request and the parameters of its route', async () => {
    const headers = { cookie: 'name=value', 'x-header': 'yes' };
    const client = await connect('/rooms/caf%C3%A9?search=a%20b', { headers });
    expect(JSON.parse((await client.next()) as string)).toEqual({
      room: 'café',
      same: true,
      cookie: 'value',
      header: 'yes',
      search: 'a b',
      // As Next.js has it: the name of this machine, and the path below the base path.
      url: `http://localhost:${app.port}${basePath}/rooms/caf%C3%A9?search=a%20b`,
      pathname: '/rooms/caf%C3%A9',
    });
    await client.close();
  });

  test('parameters that stand for several segments are arrays, and optional', async () => {
    for (const [path, expected] of [
      ['/files', null],
      ['/files/', null],
      ['/files/a', ['a']],
      ['/files/a/b%2Fc', ['a', 'b/c']],
    ] as const) {
      const client = await connect(path);
      expect(JSON.parse((await client.next()) as string)).toEqual(expected);
      await client.close();
    }
  });

  test('a handler reaches the other clients', async () => {
    const clients = await Promise.all([connect('/rooms/a'), connect('/rooms/a')]);
    for (const client of clients) await client.next();
    clients[0].socket.send('to the other');
    expect(await clients[1].next()).toBe('to the other');
    await Promise.all(clients.map((client) => client.close()));
  });

  test('routes that take no WebSockets, and paths without a route, refuse them', async () => {
    for (const path of ['/plain', '/nowhere', '/', '/rooms/lobby', '/rooms/%ff']) {
      expect(await refusal(connect(path))).toMatchObject({
        status: 404,
        body: 'Nothing accepts WebSockets here.\n',
      });
    }
    const response = await fetch(`${app.origin}${basePath}/echo`);
    expect(response.status).toBe(426);
    expect(response.headers.get('upgrade')).toBe('websocket');
  });

  test('pages of other origins are refused, unless they are allowed', async () => {
    const from = (origin: string) => connect('/echo', { headers: { origin } });
    expect(await refusal(from('https://evil.example'))).toMatchObject({ status: 403 });
    await (await from(app.origin)).close();
    await (await from('https://best.friends.example')).close();
  });

  test('messages can be iterated over', async () => {
    const client = await connect('/iterated');
    client.socket.send('one');
    client.socket.send(Buffer.alloc(1000));
    expect(await client.next()).toBe('text one');
    expect(await client.next()).toBe('1000 bytes');
    client.socket.send('stop');
    expect(await client.closed).toEqual({ code: 4000, reason: 'after 2' });

    const leaving = await connect('/iterated');
    leaving.socket.send('only one');
    expect(await leaving.next()).toBe('text only one');
    leaving.socket.terminate();
    await printed('iterated 1 messages');
  });

  test('messages that come before anybody listens are kept, in their order', async () => {
    const client = await connect('/late');
    for (let number = 0; number < 1000; number++) client.socket.send(String(number));
    for (let number = 0; number < 1000; number++)
      expect(await client.next()).toBe(`late ${number}`);
    await client.close();
  });

  test('a handler refuses with a Response, or chooses what it accepts with', async () => {
    expect(await refusal(connect('/guarded'))).toMatchObject({
      status: 401,
      body: 'Who are you?',
      headers: { 'www-authenticate': 'Token' },
    });
    expect(await refusal(connect('/guarded?token=wrong'))).toMatchObject({
      status: 403,
      body: '{"error":"wrong token"}',
      headers: { 'content-type': 'application/json' },
    });
    const client = await connect('/guarded?token=right', { protocols: ['v1', 'v2'] });
    expect(client.socket.protocol).toBe('v2');
    expect(client.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(await client.next()).toBe('v2 of v1,v2');
    await printed('returned a Response after it had used the socket');
    // A subprotocol that the client does not offer is the handler's mistake.
    expect(await refusal(connect('/guarded?token=right', { protocols: ['v1'] }))).toMatchObject({
      status: 500,
    });
    await printed('the client does not offer the subprotocol "v2"');
    await client.close();
  });

  test('without a choice the first subprotocol is spoken', async () => {
    const client = await connect('/echo', { protocols: ['first', 'second'] });
    expect(client.socket.protocol).toBe('first');
    await client.close();
  });

  test('a handler that fails costs its own client the socket, and is reported', async () => {
    expect(await refusal(connect('/failing/handler'))).toMatchObject({ status: 500 });
    const error = { code: 1011, reason: 'Internal error' };
    expect(await (await connect('/failing/accepted')).closed).toEqual(error);
    for (const where of ['listener', 'async']) {
      const client = await connect(`/failing/${where}`);
      client.socket.send('now');
      expect(await client.closed).toEqual(error);
    }
    for (const where of ['handler', 'accepted', 'listener', 'async']) {
      await printed(`failed on purpose: ${where}`);
    }
    expect(app.output).toContain('the handler UPGRADE /failing/[where] failed');
    const client = await connect('/echo');
    await client.close();
  });

  test('a socket gets what is published on its channels', async () => {
    const publish = (text: string) =>
      fetch(`${app.origin}${basePath}/channels/news`, { method: 'POST', body: text });
    const clients = await Promise.all([1, 2, 3].map(() => connect('/channels/news')));
    for (const client of clients) expect(await client.next()).toBe('subscribed');
    await publish('for all');
    for (const client of clients) expect(await client.next()).toBe('for all');
    const [leaving, ...others] = clients as [SocketClient, ...SocketClient[]];
    leaving.socket.send('leave');
    expect(await leaving.next()).toBe('left');
    await publish('for the others');
    for (const client of others) {
      expect(await client.next()).toBe('for the others');
      await client.close();
    }
    leaving.socket.send('leave');
    expect(await leaving.next()).toBe('left');
    await leaving.close();
  });

  test('a handler and its listeners run in a request context that ends with the socket', async () => {
    const client = await connect('/context');
    client.socket.send('tell');
    expect(JSON.parse((await client.next()) as string)).toEqual({
      kind: 'socket',
      name: 'UPGRADE /context',
      hasDeadline: false,
      isSame: true,
      isActive: true,
      isAborted: false,
    });
    await client.close();
    await printed('context aborted: PUFF_CLIENT_DISCONNECTED');
    await printed('context active at close: false');
  });

  test('cookies() and headers() are those of the handshake, in the handler alone', async () => {
    expect(await refusal(connect('/request-apis'))).toMatchObject({ status: 401 });
    const connected = ['one', 'two'].map(async (token) => {
      const headers = { cookie: `token=${token}`, 'x-header': `of ${token}` };
      const client = await connect('/request-apis', { headers });
      expect(JSON.parse((await client.next()) as string)).toEqual({
        token,
        header: `of ${token}`,
        isDraft: false,
        setting: expect.stringMatching(/Cookies can only be modified/),
        fetched: expect.stringMatching(/WebSocket/),
      });
      client.socket.send('tell');
      expect(JSON.parse((await client.next()) as string)).toEqual({
        listening: expect.stringMatching(/outside a request scope/),
      });
      await client.close();
    });
    await Promise.all(connected);
  });

  test('a handler waits for a client that reads slowly', async () => {
    const client = await connect('/flood');
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.socket.resume();
    for (let received = 0; received < 200; received++) {
      expect(((await client.next()) as Buffer).length).toBe(64 * 1024);
    }
    expect(await client.next()).toBe('waited');
    await client.close();
  });

  test("the events of a browser's WebSocket work", async () => {
    const client = await connect('/web');
    client.socket.send('hello');
    expect(await client.next()).toBe('first hello');
    expect(await client.next()).toBe('HELLO');
    client.socket.send(Buffer.alloc(5));
    expect(await client.next()).toBe('5 bytes');
    await client.close(4001, 'done');
    await printed('web closed 4001 done true');
  });

  test('pings of a handler come back as pongs', async () => {
    const client = await connect('/heartbeat');
    client.socket.send('are you there');
    expect(await client.next()).toBe('pong are you there');
    await client.close();
  });

  test('the limits of puff.config hold', async () => {
    const client = await connect('/echo');
    client.socket.send('a'.repeat(100_000));
    expect(await client.next()).toHaveLength(100_000);
    client.socket.send('a'.repeat(100_001));
    expect((await client.closed).code).toBe(1009);
  });

  test('compressed messages are understood and sent', async () => {
    const client = await connect('/echo', { perMessageDeflate: { threshold: 0 } });
    expect(client.socket.extensions).toContain('permessage-deflate');
    const text = JSON.stringify(Array.from({ length: 1000 }, (_, id) => ({ id })));
    client.socket.send(text);
    expect(await client.next()).toBe(text);
    await client.close();
  });
});

// After the builds above.
test('next start says once that it gives no WebSockets to routes', async () => {
  const env = { FIXTURE_DIST_DIR: '.next/turbopack', FIXTURE_BASE_PATH: '' };
  const app = await AppProcess.start('next', FIXTURE_DIR, { env, removesDir: false });
  try {
    for (const path of ['/echo', '/web']) {
      expect((await fetch(`${app.origin}${path}`)).status).toBe(426);
    }
    await until(() => app.output.includes('UPGRADE /echo takes WebSockets'));
    expect(app.output).not.toContain('UPGRADE /web');
  } finally {
    await app.kill();
  }
});
