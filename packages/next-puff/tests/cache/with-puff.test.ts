import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withPuff } from 'next-puff/config';

const dir = join(import.meta.dirname, 'fixture-app');
const environment = process.env as Record<string, string | undefined>;
const { NODE_ENV } = environment;

beforeEach(() => {
  environment.NODE_ENV = 'production';
});
afterEach(() => {
  environment.NODE_ENV = NODE_ENV;
  delete environment.NEXT_CACHE_HANDLER_PATH;
});

test('builds and servers get the handlers', async () => {
  const { cacheHandler, cacheHandlers } = withPuff({ cacheComponents: true }, { dir });
  expect(Object.keys(cacheHandlers ?? {})).toEqual(['default', 'remote']);
  for (const file of [cacheHandler, cacheHandlers?.default, cacheHandlers?.remote]) {
    expect(existsSync(String(file))).toBe(true);
    expect(await import(String(file))).toHaveProperty('default');
  }
});

test('those of "use cache" only where there is such a thing', () => {
  expect(withPuff({}, { dir }).cacheHandlers).toBeUndefined();
  expect(withPuff({ experimental: { useCache: true } }, { dir }).cacheHandlers).toBeDefined();
});

test('handlers of the config stay', () => {
  const config = {
    cacheHandler: '/app/my-handler.js',
    cacheHandlers: { remote: '/app/my-remote.js', redis: '/app/redis.js' },
    cacheComponents: true,
  };
  const extended = withPuff(config, { dir });
  expect(extended.cacheHandler).toBe('/app/my-handler.js');
  expect(extended.cacheHandlers).toEqual({
    ...config.cacheHandlers,
    default: expect.stringContaining('use-cache-handler.js'),
  });
  environment.NEXT_CACHE_HANDLER_PATH = '/app/of-the-environment.js';
  expect(withPuff({}, { dir }).cacheHandler).toBeUndefined();
});

test('nothing is installed where it is off, and for development', () => {
  const off = withPuff({ cacheComponents: true }, { dir, cache: false });
  environment.NODE_ENV = 'development';
  for (const config of [off, withPuff({ cacheComponents: true }, { dir })]) {
    expect(config.cacheHandler).toBeUndefined();
    expect(config.cacheHandlers).toBeUndefined();
  }
});
