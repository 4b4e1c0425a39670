import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, jest, test } from '@jest/globals';
import { cleanUp, makeProject, query, UserProcess } from './support/project';

jest.setTimeout(60_000);

let squatter: Server | undefined;

afterEach(async () => {
  squatter?.close();
  squatter = undefined;
  await cleanUp();
});

async function occupy(port = 0): Promise<number> {
  squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  return (squatter.address() as { port: number }).port;
}

test('the port stays the same across restarts, and another is taken when it is gone', async () => {
  const directory = makeProject();
  const user = new UserProcess(directory);
  const { port } = await user.joined();
  await user.stop();

  const again = new UserProcess(directory);
  expect((await again.joined()).port).toBe(port);
  await again.stop();

  await occupy(port);
  const elsewhere = await new UserProcess(directory).joined();
  expect(elsewhere.port).not.toBe(port);
  expect(await query(elsewhere.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a port that was asked for and is taken is an error that names it', async () => {
  const directory = makeProject();
  const port = await occupy();
  const report = await new UserProcess(directory, { port }).failed();
  expect(report.code).toBe('PUFF_PORT_IN_USE');
  expect(report.message).toContain(`Port ${port} on 127.0.0.1`);
});

test('asking for another port than that of the running server is an error', async () => {
  const directory = makeProject();
  const { port } = await new UserProcess(directory).joined();
  const report = await new UserProcess(directory, { port: port + 1 }).failed();
  expect(report).toMatchObject({ code: 'PUFF_EMBEDDED_START_FAILED' });
  expect(report.message).toContain(`already runs on port ${port}`);
});
