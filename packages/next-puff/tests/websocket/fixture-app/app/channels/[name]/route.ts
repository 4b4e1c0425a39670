import { pubsub } from 'next-puff/pubsub';
import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler<{ name: string }> = (
  client,
  _server,
  _request,
  { params },
) => {
  client.subscribe(params.name);
  client.send('subscribed');
  client.on('message', (message) => {
    if (message !== 'leave') return;
    client.unsubscribe(params.name);
    client.send('left');
  });
};

export async function POST(request: Request, { params }: { params: Promise<{ name: string }> }) {
  const { name } = await params;
  pubsub.publish(name, await request.text());
  return new Response('published');
}
