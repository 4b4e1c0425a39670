import { cookies, draftMode, headers } from 'next/headers';
import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

/** What a function throws, or nothing. */
async function failureOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export const UPGRADE: UpgradeHandler = async (client, _server, request) => {
  const token = (await cookies()).get('token')?.value;
  if (token === undefined) return new Response('Who are you?', { status: 401 });
  client.send(
    JSON.stringify({
      token,
      header: (await headers()).get('x-header'),
      isDraft: (await draftMode()).isEnabled,
      setting: await failureOf(async () => (await cookies()).set('token', 'other')),
      fetched: await (await fetch(new URL('?other', request.url))).text(),
    }),
  );
  client.on('message', async () => {
    client.send(JSON.stringify({ listening: await failureOf(cookies) }));
  });
};
