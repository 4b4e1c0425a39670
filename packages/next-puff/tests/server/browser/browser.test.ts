import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { Page } from 'puppeteer-core';
import { AppProcess, CONTENDER } from '../support/app-process.ts';
import { expectText, TestBrowser } from '../support/browser.ts';
import { BuiltApp } from '../support/built-app.ts';

jest.setTimeout(60_000);

let app: AppProcess;
let browser: TestBrowser;

beforeAll(async () => {
  const built = await BuiltApp.of('every-route');
  [app, browser] = await Promise.all([
    AppProcess.start(CONTENDER, built.copy()),
    TestBrowser.launch(),
  ]);
}, 180_000);

afterEach(() => expect(browser.takeErrors()).toEqual([]));

afterAll(async () => {
  await browser?.close();
  await app?.kill();
});

/** Marks the document: the mark is gone once the browser has loaded another one. */
async function mark(page: Page): Promise<void> {
  await page.evaluate(`document.body.dataset.mark = 'same'`);
}

async function isMarked(page: Page): Promise<boolean> {
  return (await page.evaluate(`document.body.dataset.mark === 'same'`)) as boolean;
}

test('links lead to every kind of page without loading a document anew', async () => {
  const page = await browser.open(`${app.origin}/`);
  await mark(page);
  for (const [path, text] of [
    ['/static/about', 'About'],
    ['/isr/long', 'Render'],
    ['/blog/first', 'Article'],
    ['/shop/1', 'Product'],
    ['/gallery', 'Gallery'],
    ['/streaming', 'Streaming'],
    ['/actions', 'Actions'],
  ] as const) {
    await page.click(`a[href="${path}"]`);
    await expectText(page, 'h1', text);
    expect(new URL(page.url()).pathname).toBe(path);
    await page.goBack();
    await expectText(page, 'h1', 'Home');
  }
  expect(await isMarked(page)).toBe(true);
  await page.close();
});

test('links that are seen are fetched before they are followed', async () => {
  const page = await browser.open('about:blank');
  const expected = ['/static/about', '/isr/long', '/blog/first'].map((path) =>
    page.waitForResponse((response) => {
      const isPrefetch = response.request().headers()['next-router-prefetch'] !== undefined;
      return isPrefetch && new URL(response.url()).pathname === path && response.ok();
    }),
  );
  await Promise.all([page.goto(`${app.origin}/`), ...expected]);
  await page.close();
});

test('a link is intercepted, and its page is whole when loaded', async () => {
  const page = await browser.open(`${app.origin}/gallery`);
  await page.click('a[href="/gallery/photo/1"]');
  await expectText(page, 'aside', 'intercepted');
  await page.reload();
  await expectText(page, 'h1', 'whole page');
  await page.close();
});

test('parts of a page come in as they are ready', async () => {
  const page = await browser.open(`${app.origin}/streaming`);
  await expectText(page, 'body', 'First');
  await expectText(page, 'body', 'Second');
  await page.close();
});

test('components come alive', async () => {
  const page = await browser.open(`${app.origin}/client?from=4`);
  await expectText(page, '#count', 'Count 4');
  await page.click('#count');
  await expectText(page, '#count', 'Count 5');
  await page.close();
});

test('forms call server actions, which revalidate, keep state, answer and redirect', async () => {
  const page = await browser.open(`${app.origin}/actions`);
  await mark(page);
  await page.type('#save input[name=word]', 'by hand');
  await page.click('#save button');
  await expectText(page, '#saved', 'Saved: by hand');
  await page.type('#words input[name=word]', 'second');
  await page.click('#words button');
  await expectText(page, '#words output', 'first, second');
  await page.click('#add');
  await expectText(page, '#add', 'Sum 5');
  await page.click('#redirecting button');
  await expectText(page, 'h1', 'About');
  expect(await isMarked(page)).toBe(true);
  await page.close();
});

test('forms work without JavaScript', async () => {
  const page = await browser.open('about:blank');
  await page.setJavaScriptEnabled(false);
  await page.goto(`${app.origin}/actions`);
  await page.type('#save input[name=word]', 'without');
  await Promise.all([page.waitForNavigation(), page.click('#save button')]);
  await expectText(page, '#saved', 'Saved: without');
  await page.close();
});

test('links between the routers load the other document', async () => {
  const page = await browser.open(`${app.origin}/legacy/static`);
  await page.click('a[href="/legacy/server"]');
  await expectText(page, 'h1', 'Legacy server');
  await page.close();
});

test('pictures come through the optimizer', async () => {
  const page = await browser.open(`${app.origin}/pictures`);
  await page.waitForFunction(`document.querySelector('img').naturalWidth > 0`);
  await page.close();
});
