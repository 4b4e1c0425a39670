import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';

const folder = join(import.meta.dirname, 'tls');
/** The authority that signed the end's certificate, which is for `localhost`. */
export const authority = readFileSync(join(folder, 'ca.crt'), 'utf8');
const cert = readFileSync(join(folder, 'server.crt'));
const key = readFileSync(join(folder, 'server.key'));

/** Speaks TLS in front of a PostgreSQL server that does not; gives the port. */
export async function startTlsEnd(url: string): Promise<{ port: number; server: Server }> {
  const { hostname, port } = new URL(url);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    void accept(socket, Number(port), hostname);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, server };
}

async function accept(socket: Socket, port: number, host: string): Promise<void> {
  // The first message is an SSLRequest.
  await once(socket, 'readable');
  socket.read(8);
  socket.write('S');
  const secure = new TLSSocket(socket, { isServer: true, cert, key });
  const plain = connect(port, host);
  secure.on('error', () => plain.destroy());
  plain.on('error', () => secure.destroy());
  secure.pipe(plain).pipe(secure);
}
