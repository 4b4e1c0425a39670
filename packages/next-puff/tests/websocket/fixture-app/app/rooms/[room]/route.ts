import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler<{ room: string }> = async (
  client,
  server,
  request,
  context,
) => {
  const { room } = await context.params;
  client.send(
    JSON.stringify({
      room,
      same: context.params.room === room,
      cookie: request.cookies.get('name')?.value,
      header: request.headers.get('x-header'),
      search: request.nextUrl.searchParams.get('search'),
      url: request.url,
      pathname: request.nextUrl.pathname,
    }),
  );
  client.on('message', (message) => {
    for (const other of server.clients) {
      if (other !== client && other.readyState === other.OPEN) other.send(message);
    }
  });
};
