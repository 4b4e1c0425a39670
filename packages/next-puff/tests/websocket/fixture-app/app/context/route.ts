import { currentContext } from 'next-puff/next';
import { type UpgradeHandler, upgradeRequired } from 'next-puff/websocket';

export { upgradeRequired as GET };

export const UPGRADE: UpgradeHandler = (client) => {
  const context = currentContext();
  client.on('message', () => {
    const listening = currentContext();
    client.send(
      JSON.stringify({
        kind: context?.kind,
        name: context?.name,
        hasDeadline: context?.deadlineAt !== undefined,
        isSame: listening === context,
        isActive: listening?.isActive,
        isAborted: listening?.signal.aborted,
      }),
    );
  });
  context?.signal.addEventListener('abort', () => {
    console.log(`context aborted: ${context.signal.reason.code}`);
  });
  client.on('close', () => console.log(`context active at close: ${currentContext()?.isActive}`));
};
