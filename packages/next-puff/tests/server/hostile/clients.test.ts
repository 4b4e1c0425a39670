import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { constants, gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { headerOf } from '../support/raw-http.ts';
import { BOUNDS, HostileServer } from './hostile-server.ts';

jest.setTimeout(60_000);

let server: HostileServer;

beforeAll(async () => {
  server = await HostileServer.start();
}, 180_000);

afterEach(async () => {
  await server.expectAnswers();
  await server.expectIdle();
});

afterAll(() => server?.stop());

const POST = 'POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n';

/** Sends a byte at a time until the server has ended the connection. */
async function drip(first: string, byte: string): Promise<string> {
  const connection = await server.connect();
  await connection.send(first);
  const timer = setInterval(() => void connection.send(byte), 100);
  try {
    return (await connection.receiveRest()).toString('latin1');
  } finally {
    clearInterval(timer);
    connection.close();
  }
}

describe('slow clients', () => {
  test('headers that come byte by byte: 408', async () => {
    expect(await drip('GET / HTTP/1.1\r\nX: ', 'x')).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a request that stops within its head: 408', async () => {
    const connection = await server.connect();
    await connection.send('GET / HTTP/1.1\r\nHost: a\r\n');
    expect((await connection.receive()).status).toBe(408);
    expect(await connection.ended()).toBe(true);
    connection.close();
  });

  test('a body that stops: 408', async () => {
    const connection = await server.connect();
    await connection.send(`${POST}some of it`);
    expect((await connection.receive()).status).toBe(408);
    expect(await connection.ended()).toBe(true);
    connection.close();
  });

  test('a body that never begins, after a 100-continue: 408', async () => {
    const connection = await server.connect();
    await connection.send(POST.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
    const { status, interim } = await connection.receive();
    expect([...interim.map((head) => head.status), status]).toEqual([100, 408]);
    connection.close();
  });

  test('clients that send nothing keep nobody from being answered', async () => {
    const connections = await Promise.all(Array.from({ length: 300 }, () => server.connect()));
    await server.expectAnswers();
    for (const connection of connections) connection.close();
  });

  test('a client that reads for ever keeps nobody from being answered', async () => {
    const client = connect(server.port, '127.0.0.1');
    await server.expectLeft(1, async () => {
      client.write('GET /api/misbehaving/endless HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(client.resume(), 'data');
      for (let round = 0; round < 5; round++) await server.expectAnswers();
      return () => client.destroy();
    });
  });

  test('a client that does not read gets its connection closed, and takes no memory', async () => {
    const before = server.memory();
    const connection = await server.connect();
    connection.socket.pause();
    await server.expectLeft(1, async () => {
      await connection.send('GET /api/misbehaving/endless HTTP/1.1\r\nHost: a\r\n\r\n');
      // It stays: the server has to leave.
      return () => {};
    });
    expect(server.memory() - before).toBeLessThan(64);
    connection.close();
  });
});

describe('clients that leave', () => {
  test('within a head', async () => {
    const connection = await server.connect();
    await connection.send('GET / HT');
    connection.socket.resetAndDestroy();
  });

  test('within a body', async () => {
    const connection = await server.connect();
    await connection.send(`${POST}some of it`);
    await server.expectInFlight(1);
    connection.socket.resetAndDestroy();
  });

  test.each(['hangs', 'silent', 'endless'])('while a handler works: %s', async (name) => {
    const connection = await server.connect();
    await server.expectLeft(1, async () => {
      await connection.send(`GET /api/misbehaving/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return () => connection.socket.resetAndDestroy();
    });
  });

  test.each(['hangs', 'silent', 'endless'])('by ending their side: %s', async (name) => {
    const connection = await server.connect();
    await server.expectLeft(1, async () => {
      await connection.send(`GET /api/misbehaving/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return () => connection.socket.end();
    });
    connection.close();
  });

  test('in the midst of a file', async () => {
    const connection = await server.connect();
    await connection.send('GET /files/big.txt HTTP/1.1\r\nHost: a\r\n\r\n');
    await connection.receiveHead();
    connection.socket.resetAndDestroy();
  });

  test('many at once', async () => {
    const connections = await Promise.all(Array.from({ length: 100 }, () => server.connect()));
    await server.expectLeft(100, async () => {
      for (const connection of connections) {
        await connection.send('GET /api/misbehaving/hangs HTTP/1.1\r\nHost: a\r\n\r\n');
      }
      return () => {
        for (const connection of connections) connection.socket.resetAndDestroy();
      };
    });
  });

  test('streams of HTTP/2 that are reset', async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    await server.expectLeft(50, async () => {
      const streams = Array.from({ length: 50 }, () =>
        session.request({ ':path': '/api/misbehaving/hangs' }).on('error', () => {}),
      );
      return () => {
        for (const stream of streams) stream.close(8);
      };
    });
    const alive = session.request({ ':path': '/api/json' });
    const [headers] = await once(alive, 'response');
    expect(headers[':status']).toBe(200);
    session.destroy();
  });
});

describe('unusual clients', () => {
  test('requests that come at once are answered in their order', async () => {
    const connection = await server.connect();
    const gets = Array.from({ length: 20 }, (_, at) => {
      const path =
        at % 3 === 0 ? '/api/slow' : at % 3 === 1 ? '/files/hello.txt' : `/api/items/${at}`;
      return `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    });
    const post = 'POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET / HTT';
    await connection.send([...gets, post, gets[2]].join(''));
    const bodies: string[] = [];
    for (let left = 22; left > 0; left--) bodies.push((await connection.receive()).body.toString());
    expect(bodies.slice(0, 6)).toEqual([
      'at last',
      'Hello, file.\n',
      '{"id":"2"}',
      'at last',
      'Hello, file.\n',
      '{"id":"5"}',
    ]);
    expect(JSON.parse(bodies[20] as string).body).toBe('GET / HTT');
    expect(bodies[21]).toBe('{"id":"2"}');
    connection.close();
  });

  test('a body that nobody reads is not taken for a request', async () => {
    const connection = await server.connect();
    const body = 'GET /api/json HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5_000);
    await connection.send(
      `POST /api/misbehaving/ignores-body HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    void connection.send(body);
    expect((await connection.receive()).body.toString()).toBe('no need to read it');
    // Then either the connection ends, or the next request is answered, and nothing else.
    if (await connection.send('GET /api/text?name=next HTTP/1.1\r\nHost: a\r\n\r\n')) {
      const rest = await connection.receive().catch(() => undefined);
      if (rest !== undefined) expect(rest.body.toString()).toBe('Hello, next');
    }
    connection.close();
  });

  test('compressed streams come as they are written', async () => {
    for (const coding of ['gzip', 'br', 'zstd']) {
      const connection = await server.connect();
      await connection.send(
        `GET /api/misbehaving/silent HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${coding}\r\n\r\n`,
      );
      const { headers } = await connection.receiveHead();
      expect(headerOf(headers, 'content-encoding')).toBe(coding);
      const chunk = await connection.receiveChunk();
      if (coding === 'gzip') {
        const text = gunzipSync(chunk, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
        expect(text).toBe('the beginning\n');
      }
      connection.close();
    }
  });

  test('a target with scheme and host is answered as one without', async () => {
    for (const path of ['/files/hello.txt', '/static/about', '/api/text?name=whole']) {
      const connection = await server.connect();
      await connection.send(`GET http://a${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const { status, body } = await connection.receive();
      expect([status, body]).toEqual([200, (await server.get(path)).body]);
      connection.close();
    }
  });

  test('garbage after the preface of HTTP/2 ends the connection', async () => {
    const connection = await server.connect();
    await connection.send(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'x'.repeat(1000)}`);
    expect(await connection.ended()).toBe(true);
    connection.close();
  });
});

describe('handlers that misbehave', () => {
  test('one that never answers: 504', async () => {
    const connection = await server.connect();
    await connection.send('GET /api/misbehaving/hangs HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await connection.receive('GET', 10 * BOUNDS.patienceMs)).status).toBe(504);
    connection.close();
  });

  test('one that fails in the midst of its answer: the connection is cut', async () => {
    const connection = await server.connect();
    await connection.send('GET /api/breaks-off HTTP/1.1\r\nHost: a\r\n\r\n');
    const { status, body, isComplete } = await connection.receive();
    expect([status, body.toString(), isComplete]).toEqual([200, 'the first part\n', false]);
    connection.close();
  });

  test('one that writes after its end: what it has written before', async () => {
    const { status, body } = await server.get('/api/legacy?how=after-end');
    expect([status, body.toString()]).toEqual([200, 'the end']);
  });

  test('one that keeps JavaScript busy: files and kept pages are answered meanwhile', async () => {
    // The server answers a page by itself once it has seen Next.js answer it.
    for (let times = 0; times < 2; times++) await server.get('/isr/long');
    const connection = await server.connect();
    await connection.send('GET /api/misbehaving/blocks HTTP/1.1\r\nHost: a\r\n\r\n');
    await server.expectInFlight(1);
    const order: string[] = [];
    await Promise.all([
      server.get('/files/hello.txt').then(() => order.push('file')),
      server.get('/isr/long').then(() => order.push('page')),
      connection.receive().then(() => order.push('handler')),
    ]);
    expect(order.at(-1)).toBe('handler');
    connection.close();
  });
});
