import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler = async (client, _server, request) => {
  await Promise.resolve();
  const token = request.nextUrl.searchParams.get('token');
  if (token === null) {
    return new Response('Who are you?', { status: 401, headers: { 'www-authenticate': 'Token' } });
  }
  if (token === 'wrong') throw Response.json({ error: 'wrong token' }, { status: 403 });
  client.accept({
    protocol: 'v2',
    headers: [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
  });
  client.send(`${client.protocol} of ${client.protocols.join()}`);
  return new Response('too late');
};
