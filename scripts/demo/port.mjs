import { createServer } from 'node:net';

const FIRST = 3000;
const LAST = 3099;

/** The port asked for, if it is free; otherwise 3000 or the next free one. @throws when none is. */
export async function choosePort(asked) {
  if (asked !== undefined) {
    const port = Number(asked);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`--port takes a number from 1 to 65535, not ${asked}.`);
    if (await isFree(port)) return port;
    throw new Error(
      `Port ${port} is in use by another program, or not yours to use. Stop that one, or choose with --port, ` +
        'or leave --port away and a free one is found.',
    );
  }
  for (let port = FIRST; port <= LAST; port++) if (await isFree(port)) return port;
  throw new Error(`The ports ${FIRST} to ${LAST} are all in use. Choose another with --port.`);
}

/** Whether nothing listens on the port, on any address. */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
