import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler = (client) => {
  client.on('pong', (data) => client.send(`pong ${data}`));
  client.on('message', (message) => client.ping(message as string));
};
