// Runs a contestant.
import { startServer } from '../servers.mjs';
import { HEADERS } from './check.mjs';
import { requestsOf } from './operations.mjs';

/** Starts a contestant and waits until it answers; returns its URL, process number and `stop`. */
export async function startContestant(name, { command, path }, databaseUrl) {
  const urlOf = (port) => `http://127.0.0.1:${port}${path}`;
  const body = JSON.stringify(requestsOf('Q4', 1)[0]);
  const ask = (port) => fetch(urlOf(port), { method: 'POST', headers: HEADERS, body });
  const { port, pid, stop } = await startServer(name, command, ask, { DATABASE_URL: databaseUrl });
  return { url: urlOf(port), pid, stop };
}
