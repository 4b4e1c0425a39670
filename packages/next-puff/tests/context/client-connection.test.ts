import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type ClientConnection,
  currentClient,
  watchClients,
} from '../../dist/context/client-connection.cjs';

let server: http.Server;
let handle: (response: http.ServerResponse, client: ClientConnection) => Promise<void>;

beforeAll(async () => {
  watchClients();
  watchClients();
  server = http.createServer(async (_request, response) => {
    await new Promise((resolve) => setImmediate(resolve));
    await handle(response, currentClient() as ClientConnection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
});

function request(headers: http.OutgoingHttpHeaders = {}): http.ClientRequest {
  const { port } = server.address() as AddressInfo;
  return http.get({ port, host: '127.0.0.1', agent: false, headers }).on('error', () => {});
}

test('outside of a request there is no client', () => {
  expect(currentClient()).toBeUndefined();
});

test('a client that leaves before the answer is complete has disconnected', async () => {
  const disconnected = new Promise<void>((resolve) => {
    handle = async (response, client) => {
      client.onDisconnect(resolve);
      response.write('begun');
    };
  });
  const [response] = (await once(request(), 'response')) as [http.IncomingMessage];
  response.on('error', () => {}).destroy();
  await disconnected;
});

test('one that listens after the client left is told at once', async () => {
  const late = new Promise<string>((resolve) => {
    handle = async (response, client) => {
      sent.destroy();
      await once(response, 'close');
      client.onDisconnect(() => resolve('told'));
    };
  });
  const sent = request();
  expect(await late).toBe('told');
});

test('a client that has its whole answer has not', async () => {
  let disconnected = false;
  const closed = new Promise((resolve) => {
    handle = async (response, client) => {
      client.onDisconnect(() => {
        disconnected = true;
      });
      response.on('close', resolve);
      response.end('all');
    };
  });
  const [response] = (await once(request(), 'response')) as [http.IncomingMessage];
  response.resume();
  await closed;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(disconnected).toBe(false);
});

test.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
  ['01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-of.the-future', true],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01', false],
  ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', false],
  ['nonsense', false],
])('a trace is that of traceparent where it is well-formed: %s', async (traceparent, isKept) => {
  const seen = new Promise<string | undefined>((resolve) => {
    handle = async (response, client) => {
      resolve(client.trace);
      response.end();
    };
  });
  request({ traceparent }).on('response', (response) => response.resume());
  expect(await seen).toBe(isKept ? traceparent : undefined);
});
