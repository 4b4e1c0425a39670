// A process that uses the embedded PostgreSQL of the directory given as its argument. It prints one
// line of JSON when it has joined or failed, and stops the server when its input says "stop".
import { createInterface } from 'node:readline';

const [directory, dist, port] = process.argv.slice(2);
const { startEmbeddedPostgres } = await import(`${dist}/embedded/index.js`);

try {
  const postgres = await startEmbeddedPostgres({
    directory,
    ...(port && { port: Number(port) }),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  const { url, adopted, pid, dataDirectory } = postgres;
  console.log(JSON.stringify({ url, adopted, pid, port: postgres.port, dataDirectory }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== 'stop') continue;
    await postgres.stop();
    console.log(JSON.stringify({ stopped: true }));
  }
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }));
  process.exitCode = 1;
}
