import { expect, test } from '@jest/globals';
import { type Bench, completed, type EngineServer, gate, until } from './bench.ts';

/** What an engine does while its server is away, and when it is back. */
export function outageTests(current: () => Bench, server: () => EngineServer): void {
  test('scheduling while the store is down fails in time, and works when it is back', async () => {
    const bench = current();
    await bench.add();
    await server().kill();
    const began = Date.now();
    await expect(bench.add()).rejects.toMatchObject({ code: expect.stringMatching(/^PUFF_/) });
    expect(Date.now() - began).toBeLessThan(60_000);
    await server().restart();
    bench.work(() => completed('back'));
    let id = '';
    await until('a job is added', async () => {
      id = await bench.add().catch(() => '');
      return id !== '';
    });
    expect(await bench.store.ended(id)).toMatchObject({ state: 'completed', result: '"back"' });
  });

  test('a worker that is full tells of trouble and of its end, and its run counts', async () => {
    const bench = current();
    const hold = gate();
    const troubles: (Error | undefined)[] = [];
    const worker = bench.work(
      async () => {
        await hold.opened;
        return completed('done');
      },
      { concurrency: 1, onTrouble: (error) => troubles.push(error) },
    );
    const id = await bench.add();
    await until('it runs', () => worker.running === 1);
    await server().kill();
    await until('there is trouble', () => troubles.at(-1) instanceof Error);
    await server().restart();
    // Nothing is claimed and nothing ends meanwhile: the renewal of the lease tells it.
    await until('the trouble is over', () => troubles.at(-1) === undefined);
    hold.open();
    expect(await bench.store.ended(id)).toMatchObject({ state: 'completed', result: '"done"' });
  });

  test('whoever waits for a result gets it, wherever the store was meanwhile', async () => {
    const bench = current();
    const hold = gate();
    const worker = bench.work(async () => {
      await hold.opened;
      return completed('late');
    });
    const id = await bench.add();
    const waits = [bench.store.ended(id), bench.another().ended(id)];
    await until('it runs', () => worker.running === 1);
    await server().kill();
    // The outcome finds no store.
    hold.open();
    await server().restart();
    for (const ended of await Promise.all(waits)) {
      expect(ended).toMatchObject({ state: 'completed', result: '"late"' });
    }
  });
}
