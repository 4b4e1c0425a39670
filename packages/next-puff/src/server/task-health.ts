import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openStore } from '../tasks/open-store.js';
import { presentWorker } from '../tasks/task-worker.js';
import { taskMetrics } from '../tasks/worker-numbers.js';

/**
 * Answers `/healthz` while the process runs, `/readyz` while its worker works and reaches the store, and `/metrics`.
 *
 * @param port 0 is any free one
 * @returns where it listens
 */
export async function serveTaskHealth(port: number): Promise<string> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(text);
    };
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        return answer(200, 'ok\n');
      case '/readyz':
        return void isReady().then((ready) => answer(ready ? 200 : 503, ready ? 'ok\n' : 'no\n'));
      case '/metrics':
        return void metrics().then(
          (text) => answer(200, text),
          (error: Error) => answer(503, `${error.message}\n`),
        );
      default:
        return answer(404, '');
    }
  });
  server.listen(port);
  await once(server, 'listening');
  // It does not keep a process alive that has nothing else to do.
  server.unref();
  return `:${(server.address() as AddressInfo).port}`;
}

async function isReady(): Promise<boolean> {
  return (await presentWorker()?.catch(() => undefined))?.isReady ?? false;
}

async function metrics(): Promise<string> {
  if ((await presentWorker()) === undefined) throw new Error('The worker has not begun.');
  return taskMetrics(await (await openStore()).counts());
}
