import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PuffError } from '../errors.js';

/** Tells whether a TCP port can be listened on; without a host on all addresses. */
export async function isPortFree(port: number, host?: string): Promise<boolean> {
  const server = createServer();
  server.listen({ port, exclusive: true, ...(host !== undefined && { host }) });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/**
 * Chooses the port of a project's server: the one that was asked for, else the last one, so that
 * other tools stay connected, else one that follows from the directory, so that it is the same on
 * every fresh checkout; and any free one when those are taken.
 *
 * @throws PuffError `PUFF_PORT_IN_USE` when the port that was asked for is taken.
 */
export async function choosePort(choice: {
  asked: number | undefined;
  last: number | undefined;
  directory: string;
  host: string;
}): Promise<number> {
  const { asked, last, directory, host } = choice;
  if (asked !== undefined) {
    if (await isPortFree(asked, host)) return asked;
    throw portInUse(asked, host);
  }
  // Below the ports that operating systems hand out for outgoing connections (32768 and up).
  const preferred =
    20_000 + (createHash('sha256').update(directory).digest().readUInt16BE() % 10_000);
  for (const port of [last, preferred, preferred + 1, preferred + 2]) {
    if (port !== undefined && (await isPortFree(port, host))) return port;
  }
  return anyFreePort(host);
}

/** Returns a port that nothing listens on at this moment. */
export async function anyFreePort(host: string): Promise<number> {
  const server = createServer();
  server.listen({ port: 0, host });
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

/** The error for a port that something else listens on. */
export function portInUse(port: number, host: string): PuffError {
  return new PuffError(
    'PUFF_PORT_IN_USE',
    `Port ${port} on ${host} was asked for the embedded PostgreSQL, but something else listens on it.`,
    {
      hint: `End what uses it (lsof -i :${port} shows it), ask for another port, or ask for none: then a free one is found.`,
      operation: 'start',
    },
  );
}
