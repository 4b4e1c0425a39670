import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler<{ where: string }> = async (
  client,
  _server,
  _request,
  { params },
) => {
  const fail = () => {
    throw new Error(`failed on purpose: ${params.where}`);
  };
  if (params.where === 'handler') fail();
  if (params.where === 'accepted') {
    client.accept();
    fail();
  }
  if (params.where === 'listener') client.on('message', fail);
  if (params.where === 'async') client.on('message', async () => fail());
};
