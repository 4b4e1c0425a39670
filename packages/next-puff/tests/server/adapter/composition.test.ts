import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BuildAdapter } from '../../../src/server/adapter/next-build.ts';

const require = createRequire(import.meta.url);
const composition: typeof import('../../../src/server/adapter/composition.cts') = require('../../../dist/server/adapter/composition.cjs');
const FIXTURE_DIR = join(import.meta.dirname, 'fixture-app');
const OWN_ADAPTER = join(FIXTURE_DIR, 'own-adapter.mjs');
const context = { phase: 'phase-production-build', projectDir: FIXTURE_DIR };

afterEach(() => {
  delete process.env.NEXT_ADAPTER_PATH;
});

test('the slot of the environment counts where the config has none', () => {
  process.env.NEXT_ADAPTER_PATH = OWN_ADAPTER;
  composition.takeAdapterSlot(undefined);
  expect(composition.formerAdapterPath()).toBe(OWN_ADAPTER);
  composition.takeAdapterSlot('./of-the-config.js');
  expect(composition.formerAdapterPath()).toBe('./of-the-config.js');
});

test('a config that is wrapped twice keeps the adapter that it had', () => {
  const ours = composition.takeAdapterSlot(OWN_ADAPTER);
  expect(composition.takeAdapterSlot(ours)).toBe(ours);
  expect(composition.formerAdapterPath()).toBe(OWN_ADAPTER);
});

test("outside of builds the slot is the app's own again", async () => {
  const adapterPath = composition.takeAdapterSlot(undefined);
  const adapter = require(adapterPath) as BuildAdapter;
  const serving = { ...context, phase: 'phase-production-server' };
  expect(await adapter.modifyConfig?.({ adapterPath }, context)).toEqual({ adapterPath });
  const served = await adapter.modifyConfig?.({ adapterPath }, serving);
  expect(served).toEqual({ adapterPath: undefined });
  composition.takeAdapterSlot(OWN_ADAPTER);
  expect(composition.formerAdapterPath()).toBe(OWN_ADAPTER);
});
