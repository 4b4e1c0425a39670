import { PassThrough, pipeline, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { RawConnection, RawResponse } from '../support/raw-http.ts';
import type { Program } from './two-servers.ts';

/** A program and the request that it is run with. */
export interface Case {
  readonly program: Program;
  readonly request?: string;
  readonly act?: (connection: RawConnection) => Promise<RawResponse>;
}

const GET = 'GET /path?a=1 HTTP/1.1\r\nHost: app.example\r\n\r\n';
const HEAD = GET.replace('GET', 'HEAD');

function post(body: string, headers = ''): string {
  return `POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

/** Sends a part of the request, then the rest. */
function andThen(...rest: string[]) {
  return async (connection: RawConnection) => {
    for (const part of rest) {
      await new Promise((resolve) => setImmediate(resolve));
      await connection.send(part);
    }
    return connection.receive();
  };
}

/** Goes away before the answer is complete. */
const leave = async (connection: RawConnection) => {
  await connection.receiveHead();
  connection.close();
  throw new Error('left');
};

async function read(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What the request is, as programs see it. */
export const requests: Record<string, Case> = {
  'method, URL, version': {
    program: (request, response, log) => {
      const { method, url, httpVersion, httpVersionMajor, httpVersionMinor } = request;
      log({ method, url, httpVersion, httpVersionMajor, httpVersionMinor });
      log(request.aborted);
      response.end();
    },
  },
  'headers: joined, dropped, listed': {
    program: (request, response, log) => {
      const { connection: _, ...headers } = request.headers;
      log(headers);
      log(request.headersDistinct.accept ?? null, request.headersDistinct.cookie ?? null);
      log(request.rawHeaders.map((part) => part.toLowerCase()));
      response.end();
    },
    request:
      'GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\nAccept: x\r\nAccept: y\r\n' +
      'Authorization: one\r\nAuthorization: two\r\nReferer: r1\r\nReferer: r2\r\n' +
      'Set-Cookie: s1\r\nSet-Cookie: s2\r\nX-Own: 1\r\nX-Own: 2\r\nX-Latin: caf\xe9\r\n\r\n',
  },
  socket: {
    program: (request, response, log) => {
      const { socket } = request;
      log(socket.remoteAddress, socket.remoteFamily, typeof socket.remotePort);
      log(
        socket === request.connection,
        socket === response.socket,
        'encrypted' in socket && socket.encrypted,
      );
      log(socket.readable, socket.writable, socket.destroyed);
      socket.setNoDelay(true).setKeepAlive(true).ref().unref();
      response.on('finish', () => log('socket of the response', response.socket === null));
      response.end();
    },
  },
  'body: async iteration': {
    program: async (request, response, log) => {
      log(await read(request));
      log(request.complete, request.readableEnded);
      response.end('thanks');
    },
    request: post('some body'),
  },
  'body: events': {
    program: (request, response, log) => {
      request.setEncoding('utf8');
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => {
        log('end', text);
        response.end('read');
      });
      request.on('close', () => log('close'));
    },
    request: post('event body'),
  },
  'body: in parts, paused and resumed': {
    program: (request, response, log) => {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
        request.pause();
        setImmediate(() => request.resume());
      });
      request.on('end', () => {
        log(text, request.complete);
        response.end();
      });
    },
    request: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    act: andThen('3\r\nabc\r\n', '3\r\ndef\r\n', '0\r\n\r\n'),
  },
  'body: piped back': {
    program: (request, response) => {
      request.pipe(response);
    },
    request: post('x'.repeat(50_000)),
  },
  'body: pipeline through a transform': {
    program: (request, response, log) => {
      pipeline(request, new PassThrough(), response, (error) => log('done', error ?? 'well'));
    },
    request: post('y'.repeat(30_000)),
  },
  'body: as a web stream': {
    program: async (request, response) => {
      const stream = Readable.toWeb(request) as ReadableStream<Uint8Array>;
      response.end(await new Response(stream).text());
    },
    request: post('web body'),
  },
  'body: read when it has long arrived': {
    program: async (request, response, log) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      log(await read(request));
      response.end();
    },
    request: post('early body'),
  },
  'body: nobody reads it': {
    program: (request, response, log) => {
      request.on('end', () => log('end'));
      response.end('not interested');
    },
    request: post('ignored'),
  },
  'body: cut off by the client': {
    program: async (request, response, log) => {
      request.on('aborted', () => log('aborted event'));
      request.on('close', () => log('request closed'));
      response.on('finish', () => log('finish'));
      response.on('close', () => log('response closed', response.writableFinished));
      try {
        await read(request);
        log('complete?');
      } catch (error) {
        log('failed', error, request.aborted, request.complete);
      }
      response.destroy();
    },
    request: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin',
    act: async (connection) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      connection.close();
      throw new Error('left');
    },
  },
};

/** What can be answered, and how it reaches the client. */
export const responses: Record<string, Case> = {
  'end with text': { program: (_, response) => response.end('text') },
  'end with bytes': { program: (_, response) => response.end(Buffer.from([0, 255, 1])) },
  'end with latin1 text': { program: (_, response) => response.end('caf\xe9', 'latin1') },
  'end with base64 text': { program: (_, response) => response.end('AAEC', 'base64') },
  'end without anything': { program: (_, response) => response.end() },
  'write and end': {
    program: (_, response, log) => {
      log(response.write('a'), response.headersSent, response.writableEnded);
      response.write(Buffer.from('b'));
      response.end('c', () => log('callback', response.writableFinished));
      log(response.writableEnded, response.finished);
    },
  },
  'writes over time': {
    program: async (_, response) => {
      for (const part of ['one ', 'two ', 'three']) {
        response.write(part);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      response.end();
    },
  },
  'callbacks of writes, in order': {
    program: (_, response, log) => {
      response.write('a', () => log('a'));
      response.write('b', 'utf8', () => log('b'));
      response.end(() => log('end'));
      response.on('finish', () => log('finish'));
      response.on('close', () => log('close'));
    },
  },
  'finish and close': {
    program: (request, response, log) => {
      request.on('close', () => log('request close'));
      response.on('prefinish', () => log('prefinish'));
      response.on('finish', () => log('finish', response.writableFinished, response.destroyed));
      response.on('close', () => log('close', response.closed, response.destroyed));
      response.end('x');
    },
  },
  'status and reason': {
    program: (_, response) => {
      response.statusCode = 418;
      response.statusMessage = 'Very Teapot';
      response.end();
    },
  },
  'a status without a name': {
    program: (_, response) => {
      response.statusCode = 299;
      response.end();
    },
  },
  'set, get, append, remove': {
    program: (_, response, log) => {
      response.setHeader('X-One', 'a').setHeader('x-two', ['b', 'c']).setHeader('X-Number', 5);
      response.appendHeader('X-One', 'd').appendHeader('X-New', ['e', 'f']);
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.setHeader('X-Gone', '1').removeHeader('x-gone');
      response.setHeaders(new Map([['x-map', 'm']]));
      log(response.getHeaders());
      log(response.getHeaderNames());
      log(
        response.getHeader('x-one') ?? null,
        response.hasHeader('X-TWO'),
        response.hasHeader('no'),
      );
      response.end();
    },
  },
  'setHeaders with a Headers object': {
    program: (_, response) => {
      response.setHeaders(
        new Headers([
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x', 'y'],
        ]),
      );
      response.end();
    },
  },
  'writeHead with an object': {
    program: (_, response) => {
      response.writeHead(201, 'Made', { 'X-A': 'a', 'X-B': ['b', 'c'] }).end('body');
    },
  },
  'writeHead with a list': {
    program: (_, response) => {
      response.writeHead(202, ['X-A', 'a', 'X-A', 'b']).end();
    },
  },
  'writeHead after setHeader': {
    program: (_, response) => {
      response.setHeader('X-A', 'a').setHeader('X-B', 'b');
      response.writeHead(200, { 'x-b': 'c', 'X-C': 'd' }).end('body');
    },
  },
  'a length of its own': {
    program: (_, response) => {
      response.setHeader('Content-Length', 4);
      response.write('ab');
      response.end('cd');
    },
  },
  'flushHeaders, then a body': {
    program: async (_, response, log) => {
      response.setHeader('X-A', 'a');
      response.flushHeaders();
      log(response.headersSent);
      await new Promise((resolve) => setTimeout(resolve, 5));
      response.end('later');
    },
  },
  'headers beyond ASCII, with text': {
    program: (_, response) => response.setHeader('X-Latin', 'caf\xe9').end('text'),
  },
  'headers beyond ASCII, with bytes': {
    program: (_, response) => response.setHeader('X-Latin', 'caf\xe9').end(Buffer.from('bytes')),
  },
  trailers: {
    program: (_, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    },
    request: GET.replace('\r\n\r\n', '\r\nTE: trailers\r\n\r\n'),
  },
  corked: {
    program: (_, response, log) => {
      response.cork();
      response.write('a');
      response.write('b');
      log(response.writableCorked > 0);
      response.uncork();
      response.end();
    },
  },
  'more than the high-water mark': {
    program: async (_, response, log) => {
      let drains = 0;
      for (let left = 20; left > 0; left--) {
        if (!response.write('z'.repeat(20_000))) {
          await new Promise((resolve) => response.once('drain', resolve));
          drains++;
        }
      }
      log(drains > 0, response.writableNeedDrain);
      response.end();
    },
  },
  'piped from a stream': {
    program: (_, response, log) => {
      response.on('pipe', () => log('pipe'));
      Readable.from(['a', 'b', 'c']).pipe(response);
    },
  },
  'finished()': {
    program: async (_, response, log) => {
      const over = finished(response);
      response.end('x');
      await over;
      log('finished');
    },
  },
  HEAD: { program: (_, response) => response.end('a body that is not sent'), request: HEAD },
  'HEAD with writes': {
    program: (_, response, log) => {
      log(response.write('a'));
      response.end('b');
    },
    request: HEAD,
  },
  'HEAD with a length': {
    program: (_, response) => response.setHeader('Content-Length', 5).end(),
    request: HEAD,
  },
  '204': {
    program: (_, response) => {
      response.statusCode = 204;
      response.end('not sent');
    },
  },
  '304': {
    program: (_, response) => {
      response.statusCode = 304;
      response.setHeader('ETag', '"x"').end();
    },
  },
  'early hints do no harm': {
    program: (_, response, log) => {
      response.writeProcessing(() => log('processing'));
      response.end('x');
    },
    act: async (connection) => ({ ...(await connection.receive()), interim: [] }),
  },
};

/** What is not right, and what programs learn of it. */
export const faults: Record<string, Case> = {
  'a header after the head': {
    program: (_, response) => {
      response.write('x');
      response.setHeader('X-Late', '1');
    },
  },
  'writeHead twice': {
    program: (_, response) => {
      response.writeHead(200);
      response.writeHead(201);
    },
  },
  'removeHeader and appendHeader after the head': {
    program: (_, response, log) => {
      response.flushHeaders();
      try {
        response.appendHeader('a', 'b');
      } catch (error) {
        log(error);
      }
      response.removeHeader('a');
    },
  },
  'a header name that is none': { program: (_, response) => response.setHeader('a b', 'c') },
  'a header value with a line break': {
    program: (_, response) => response.setHeader('a', 'b\r\nX-Injected: 1'),
  },
  'a header value that is undefined': {
    program: (_, response) => response.setHeader('a', undefined as unknown as string),
  },
  'an invalid value in writeHead': {
    program: (_, response) => response.writeHead(200, { 'X-A': 'a\nb' }),
  },
  'an invalid name in writeHead': {
    program: (_, response) => response.writeHead(200, { 'X A': 'a' }),
  },
  'an odd list in writeHead': {
    program: (_, response, log) => {
      try {
        response.writeHead(200, ['X-A']);
      } catch (error) {
        log(error);
      }
      response.destroy();
    },
  },
  'a status that is none': { program: (_, response) => response.writeHead(99) },
  'a reason with a line break': { program: (_, response) => response.writeHead(200, 'a\r\nb') },
  'write after end': {
    program: (_, response, log) => {
      response.on('error', (error) => log('error', error));
      response.end('x');
      log(response.write('y', (error) => log('callback', error)));
    },
  },
  'end twice': {
    program: (_, response, log) => {
      response.on('error', (error) => log('error', error));
      response.end('x');
      response.end(() => log('callback of the second end'));
      response.on('finish', () => response.end((error?: Error) => log('late', error)));
    },
  },
  'end with data twice': {
    program: (_, response, log) => {
      response.on('error', (error) => log('error', error));
      response.end('x');
      response.end('y');
    },
  },
  'write of null and of a number': {
    program: (_, response, log) => {
      for (const chunk of [null, 5, {}]) {
        try {
          response.write(chunk);
        } catch (error) {
          log(error);
        }
      }
      response.end('still fine');
    },
  },
  'end with a number': {
    program: (_, response, log) => {
      try {
        response.end(5 as unknown as string);
      } catch (error) {
        log(error);
      }
      response.end('still fine');
    },
  },
  'trailers without chunks': {
    program: (_, response, log) => {
      try {
        response.writeHead(200, { Trailer: 'X', 'Content-Length': '1' });
      } catch (error) {
        log(error);
      }
      response.destroy();
    },
  },
  'destroyed in the middle': {
    program: (request, response, log) => {
      request.on('close', () => log('request closed'));
      response.on('finish', () => log('finish'));
      response.on('close', () => log('closed', response.writableFinished, response.destroyed));
      response.on('error', (error) => log('error', error));
      response.write('half');
      setImmediate(() => response.destroy(new Error('no more')));
    },
  },
  'write after destroy': {
    program: (_, response, log) => {
      response.on('error', (error) => log('error', error));
      response.write('half');
      setImmediate(() => {
        response.destroy();
        log(response.write('x', (error) => log('callback', error)));
        response.end();
      });
    },
  },
  'the socket is destroyed': {
    program: (_, response, log) => {
      response.on('close', () => log('closed', response.writableFinished));
      response.write('half');
      setImmediate(() => response.socket?.destroy());
    },
  },
  'the client leaves': {
    program: (request, response, log) => {
      request.on('close', () => log('request closed', request.aborted));
      request.on('error', (error) => log('request error', error));
      response.on('finish', () => log('finish'));
      response.on('close', () => log('closed', response.writableFinished, response.destroyed));
      response.write('half');
    },
    act: leave,
  },
  'the client leaves a stream that is piped': {
    program: (_, response, log) => {
      const source = new Readable({
        read() {
          setImmediate(() => this.push('z'.repeat(1000)));
        },
      });
      pipeline(source, response, (error) => log('pipeline', error));
    },
    act: leave,
  },
  'a timeout that somebody takes': {
    program: (_, response, log) => {
      response.setTimeout(20, () => {
        log('timeout');
        response.end('late');
      });
    },
  },
  'a timeout that nobody takes': {
    program: (request) => {
      request.socket.setTimeout(20);
    },
  },
};
