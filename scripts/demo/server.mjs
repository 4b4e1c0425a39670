import { setTimeout as sleep } from 'node:timers/promises';
import { ChildFailure } from './children.mjs';

const READY_WITHIN_MS = 60_000;

/** Serves the built app and waits until it answers, database included. */
export async function startApp(children, { nextPuff, cwd, env, port }) {
  const server = children.start(process.execPath, [nextPuff, 'start', '--port', String(port)], {
    cwd,
    env,
  });
  const origin = `http://localhost:${port}`;
  let end;
  const ended = server.ended.then((result) => {
    end = result;
    return result;
  });

  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    if (end) throw new ChildFailure(`The app did not start (${end.code}).`, end.output);
    const answer = await health(origin);
    if (answer === 'up') return { origin, ended, stop: () => server.stop() };
    if (Date.now() > deadline)
      throw new ChildFailure(
        `The app was not ready after ${READY_WITHIN_MS / 1000} s; ${origin}/api/health last said: ${answer}.`,
        server.output,
      );
    await sleep(100);
  }
}

async function health(origin) {
  try {
    const response = await fetch(`${origin}/api/health`, { signal: AbortSignal.timeout(5_000) });
    return response.ok ? 'up' : `${response.status} ${await response.text()}`;
  } catch (error) {
    return error.cause?.code ?? error.message;
  }
}
