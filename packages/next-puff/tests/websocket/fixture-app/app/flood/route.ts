import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

/** Sends far more than may wait for a client, and waits for it. */
export const UPGRADE: UpgradeHandler = async (client) => {
  const chunk = Buffer.alloc(64 * 1024, 1);
  let waits = 0;
  for (let sent = 0; sent < 200; sent++) {
    if (client.send(chunk)) continue;
    waits += 1;
    await client.drained();
  }
  client.send(waits > 0 ? 'waited' : 'never waited');
};
