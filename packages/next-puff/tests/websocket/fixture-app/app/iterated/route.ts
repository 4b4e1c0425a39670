import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler = async (client) => {
  let count = 0;
  for await (const message of client) {
    if (message === 'stop') break;
    count += 1;
    client.send(typeof message === 'string' ? `text ${message}` : `${message.length} bytes`);
  }
  console.log(`iterated ${count} messages`);
  client.close(4000, `after ${count}`);
};
