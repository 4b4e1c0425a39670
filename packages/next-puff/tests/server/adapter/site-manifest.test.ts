import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SiteManifest } from '../../../src/server/adapter/site-manifest.ts';
import { build, FIXTURE_DIR, NextStart, readBuilt, type Settings } from './fixture-build.ts';

const BUILD_MS = 180_000;
const OWN_ADAPTER = join(FIXTURE_DIR, 'own-adapter.mjs');
const SITE = 'next-puff/site.json';

describe('an app without an adapter of its own', () => {
  const settings: Settings = { distDir: '.next/alone' };
  let site: SiteManifest;

  beforeAll(async () => {
    await build(settings);
    site = readBuilt(settings, SITE);
  }, BUILD_MS);

  test('the manifest is of this build', () => {
    const buildId = readFileSync(join(FIXTURE_DIR, settings.distDir, 'BUILD_ID'), 'utf8');
    expect(site).toMatchObject({
      version: 1,
      buildId,
      nextVersion: expect.stringMatching(/^16\./),
      basePath: '',
      hasLocales: false,
      generateEtags: true,
      validateRscHeaders: true,
    });
  });

  test('every route has a number, its kind and a module that is there', () => {
    expect(site.routes.map(({ number }) => number)).toEqual(
      site.routes.map((_, index) => index + 1),
    );
    const direct = site.routes.filter(({ isDirect }) => isDirect);
    expect(Object.fromEntries(direct.map(({ page, kind }) => [page, kind]))).toEqual({
      '/': 'appPage',
      '/about': 'appPage',
      '/blog/[slug]': 'appPage',
      '/closed/[name]': 'appPage',
      '/closed/[...rest]': 'appRoute',
      '/docs/[[...path]]': 'appPage',
      '/dynamic': 'appPage',
      '/api/hello': 'appRoute',
      '/api/items/[id]': 'appRoute',
      '/feed.xml': 'appRoute',
      '/legacy/[id]': 'page',
      '/api/old': 'pageApi',
    });
    for (const { entry } of direct) readFileSync(join(FIXTURE_DIR, settings.distDir, entry));
    const others = site.routes.filter(({ isDirect }) => !isDirect).map(({ page }) => page);
    expect(others).toEqual(expect.arrayContaining(['/_not-found', '/_error', '/legacy']));
    expect(site.routes.filter(({ isOnDemand }) => isOnDemand).map(({ page }) => page)).toEqual([
      '/blog/[slug]',
    ]);
  });

  test('routes with parameters stand in the order in which they are tried', () => {
    const page = (number: number) => site.routes[number - 1]?.page;
    expect(site.dynamicRoutes.map((route) => [page(route.number), route.params])).toEqual([
      ['/api/items/[id]', ['id']],
      ['/blog/[slug]', ['slug']],
      ['/closed/[name]', ['name']],
      ['/closed/[...rest]', ['rest']],
      ['/docs/[[...path]]', ['path']],
      ['/legacy/[id]', ['id']],
    ]);
    expect(site.dynamicRoutes.filter(({ isClosed }) => isClosed)).toHaveLength(1);
    const docs = new RegExp(
      site.dynamicRoutes.find(({ params }) => params[0] === 'path')?.regex ?? '',
    );
    expect(docs.exec('/docs/a/b/')?.[1]).toBe('a/b');
    expect(docs.exec('/docs')?.[1]).toBeUndefined();
  });

  test('what was prerendered as a whole is listed, with its segments', () => {
    const paths = site.prerenders.map(({ path }) => path).sort();
    expect(paths).toEqual([
      '/',
      '/about',
      '/blog/café',
      '/blog/first',
      '/closed/known',
      '/feed.xml',
    ]);
    const home = site.prerenders.find(({ path }) => path === '/');
    expect(home?.segments).toEqual(expect.arrayContaining(['/_tree', '/__PAGE__']));
  });

  test('only what is the same for all paths of a rule counts as fixed', () => {
    expect(site.headers.map(({ hasParams }) => hasParams)).toEqual([false, true, false]);
    expect(site.headers[2]?.has).toEqual([{ type: 'header', key: 'x-preview' }]);
    expect(site.redirects.map(({ status, location }) => [status, location])).toEqual([
      [308, undefined],
      [308, '/about'],
      [307, undefined],
      [307, undefined],
    ]);
    expect(new RegExp(site.beforeFiles[0]?.regex ?? '').test('/rewritten')).toBe(true);
    expect(new RegExp(site.afterFiles[0]?.regex ?? '').test('/alias/a/b')).toBe(true);
    expect(site.proxy).toEqual([]);
  });

  test('the types of files are those of Next.js', () => {
    expect(site.contentTypes).toMatchObject({
      txt: 'text/plain; charset=UTF-8',
      js: 'application/javascript; charset=UTF-8',
      html: 'text/html; charset=UTF-8',
      license: 'application/octet-stream',
    });
  });

  describe('next start', () => {
    let server: NextStart | undefined;

    beforeAll(async () => {
      server = await NextStart.begin(settings);
    }, BUILD_MS);
    afterAll(() => server?.stop());

    const get = async (path: string) => (await server?.fetch(path)) as Response;

    test('finds what was prerendered', async () => {
      for (const path of ['/', '/blog/first', '/closed/known', '/feed.xml']) {
        const response = await get(path);
        expect([path, response.status, response.headers.get('x-nextjs-cache')]).toEqual([
          path,
          200,
          'HIT',
        ]);
      }
      expect((await get('/plain.txt')).status).toBe(200);
    });

    test('serves as for an app without any adapter: closed routes fall through', async () => {
      expect(await (await get('/closed/unknown')).json()).toEqual({ rest: ['unknown'] });
    });

    test('redirects to where the manifest says', async () => {
      const fixed = site.redirects[1];
      const response = await get('/old');
      expect([response.status, response.headers.get('location')]).toEqual([
        fixed?.status,
        fixed?.location,
      ]);
    });
  });
});

describe('an app with an adapter of its own', () => {
  const settings: Settings = {
    distDir: '.next/composed',
    basePath: '/base',
    adapterPath: OWN_ADAPTER,
  };

  beforeAll(() => build(settings), BUILD_MS);

  test('both are called, ours first where something may be moved', () => {
    const site = readBuilt<SiteManifest>(settings, SITE);
    expect(site.basePath).toBe('/base');
    expect(site.prerenders.find(({ path }) => path === '/')?.segments).toContain('/_tree');
    expect(readBuilt(settings, 'own-adapter.json')).toEqual({
      buildId: site.buildId,
      phase: 'phase-production-build',
      hasRoutes: true,
      isAfterNextPuff: true,
    });
  });
});
