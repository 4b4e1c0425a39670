// Serves a built app from several isolates of one process, each with a port of its own, as workers do: arguments are the
// app's folder and their number. Prints the ports as JSON.
import { createServer } from 'node:http';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import next from 'next';

async function serve(dir) {
  const app = next({ dev: false, dir });
  await app.prepare();
  const handle = app.getRequestHandler();
  const server = createServer((request, response) => handle(request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

if (isMainThread) {
  const [dir, count] = process.argv.slice(2);
  process.chdir(dir);
  const ports = Array.from({ length: Number(count) }, async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: dir });
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  console.log(JSON.stringify(await Promise.all(ports)));
} else {
  parentPort.postMessage(await serve(workerData));
}
