import { setTimeout as sleep } from 'node:timers/promises';
import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

/** Begins to listen when messages have come, and keeps their order. */
export const UPGRADE: UpgradeHandler = async (client) => {
  client.accept();
  await sleep(50);
  client.on('message', (message) => client.send(`late ${message}`));
};
