import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

/** As one would write it for the WebSocket of a browser. */
export const UPGRADE: UpgradeHandler = (client) => {
  client.binaryType = 'arraybuffer';
  client.addEventListener('message', ({ data }) => client.send(`first ${data}`), { once: true });
  client.addEventListener('message', ({ data, target }) => {
    target.send(typeof data === 'string' ? data.toUpperCase() : `${data.byteLength} bytes`);
  });
  client.addEventListener('close', ({ code, reason, wasClean }) => {
    console.log(`web closed ${code} ${reason} ${wasClean}`);
  });
};
