import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends a server one command, as another program would, and resolves with the reply as it came over the wire. */
export async function redisCommand(port: number, ...args: (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(`*${args.length}\r\n`);
  for (const arg of args) {
    socket.write(`$${Buffer.byteLength(arg)}\r\n`);
    socket.write(arg);
    socket.write('\r\n');
  }
  // The server ends the connection when it has answered.
  socket.write('*1\r\n$4\r\nQUIT\r\n');
  await once(socket, 'close');
  return Buffer.concat(chunks)
    .toString()
    .replace(/\+OK\r\n$/, '');
}
