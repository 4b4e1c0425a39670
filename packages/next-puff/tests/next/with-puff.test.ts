import { createRequire } from 'node:module';
import { join } from 'node:path';
import { withPuff } from 'next-puff/config';

const dir = join(import.meta.dirname, 'fixture-app');
const KEY = '{*,next-puff}';

test('it loads as CommonJS and as ESM, with the same names', async () => {
  const required = createRequire(import.meta.url)('next-puff') as Record<string, unknown>;
  const imported = (await import('next-puff')) as Record<string, unknown>;
  for (const name of ['withPuff', 'defineConfig', 'loadConfig']) {
    expect(typeof required[name]).toBe('function');
    expect(typeof imported[name]).toBe('function');
  }
});

test('an object gives an object, a promise a promise, a function a function', async () => {
  const from = { reactStrictMode: false };
  const expected = expect.objectContaining({
    reactStrictMode: false,
    serverExternalPackages: expect.anything(),
  });
  expect(withPuff(from, { dir })).toEqual(expected);
  await expect(withPuff(Promise.resolve(from), { dir })).resolves.toEqual(expected);
  const sync = withPuff((phase: string) => ({ ...from, distDir: phase }), { dir });
  expect(sync('phase')).toMatchObject({ reactStrictMode: false, distDir: 'phase' });
  const async = withPuff(async (phase: string) => ({ ...from, distDir: phase }), { dir });
  await expect(async('phase')).resolves.toMatchObject({ reactStrictMode: false, distDir: 'phase' });
  expect(withPuff(undefined, { dir })).toHaveProperty('turbopack');
});

test('what the config has stays, and its object is not changed', () => {
  const config = Object.freeze({
    serverExternalPackages: ['sharp', 'next-puff'],
    outputFileTracingIncludes: { '/*': ['./data/**'], '/api': ['./other'] },
    turbopack: { root: '/root', rules: { '*.svg': { loaders: ['@svgr/webpack'], as: '*.js' } } },
  });
  const extended = withPuff(config, { dir });
  expect(extended.serverExternalPackages).toEqual([
    'sharp',
    'next-puff',
    '@next-puff/core-native',
    'graphql',
    'bullmq',
  ]);
  expect(extended.outputFileTracingIncludes).toMatchObject({
    '/*': expect.arrayContaining(['./data/**', './puff.config.*']),
    '/api': ['./other'],
  });
  expect(extended.turbopack).toMatchObject({ root: '/root', rules: config.turbopack.rules });
  expect(Object.keys(extended.turbopack?.rules ?? {})).toEqual(['*.svg', KEY]);
  expect(Object.keys(config.turbopack.rules)).toEqual(['*.svg']);
});

test('the webpack function runs after that of the config and adds to it', () => {
  const userRule = { test: /\.svg$/ };
  const extended = withPuff(
    {
      webpack: (webpackConfig: { module: { rules: unknown[] } }) => {
        webpackConfig.module.rules.push(userRule);
        return { ...webpackConfig, mine: true };
      },
    },
    { dir },
  );
  const run = (context: object) =>
    (extended.webpack as (config: unknown, context: unknown) => Record<string, never>)(
      { module: { rules: [] }, externals: ['other'] },
      context,
    );
  const server = run({ isServer: true, nextRuntime: 'nodejs' });
  expect(server).toMatchObject({
    mine: true,
    module: { rules: [userRule, { enforce: 'pre' }] },
    externals: [expect.any(Function), 'other'],
  });
  expect(run({ isServer: false })).toMatchObject({ externals: ['other'] });
  expect(run({ isServer: true, nextRuntime: 'edge' })).toMatchObject({
    module: { rules: [userRule] },
  });
});

test('Next.js can still tell that Turbopack ignores a webpack function', () => {
  const webpack = (config: unknown) => config;
  expect(withPuff({ webpack }, { dir })).not.toHaveProperty('turbopack');
  expect(withPuff({ webpack, turbopack: {} }, { dir })).toHaveProperty('turbopack.rules');
});

test('pageExtensions and the options reach the loader', () => {
  const extended = withPuff({ pageExtensions: ['api.ts'] }, { dir, actions: false });
  const rule = extended.turbopack?.rules?.[KEY] as { loaders: { options: unknown }[] };
  expect(rule.loaders[0]?.options).toMatchObject({
    dir,
    pageExtensions: ['api.ts'],
    routes: true,
    actions: false,
    version: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(JSON.stringify(rule)).not.toBe(undefined);
  const off = withPuff({}, { dir, routes: false, actions: false, tasks: false });
  expect(off).not.toHaveProperty('turbopack');
  expect(off).not.toHaveProperty('webpack');
});
