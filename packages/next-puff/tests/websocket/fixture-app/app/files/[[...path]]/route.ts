import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler<{ path?: string[] }> = (
  client,
  _server,
  _request,
  { params },
) => {
  client.send(JSON.stringify(params.path ?? null));
};
