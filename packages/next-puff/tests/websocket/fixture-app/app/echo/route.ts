import { upgradeRequired } from 'next-puff/websocket';
import type { WebSocket, WebSocketServer } from 'ws';

export { upgradeRequired as GET };

// As written for next-ws.
export function UPGRADE(client: WebSocket, server: WebSocketServer) {
  client.on('message', (message, isBinary) => {
    client.send(message, { binary: isBinary });
  });
  client.once('close', (code, reason) => {
    console.log(`echo closed ${code} ${reason.toString()}, ${server.clients.size} left`);
  });
}
