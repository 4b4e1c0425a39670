import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'puppeteer-core';
import { expectText, TestBrowser } from '../server/support/browser.ts';

const QUESTION = 'Which of the two is it?';

/** What visitors do with the polls app in their browsers, while it is served. */
export function playsInBrowser(origin: () => string): void {
  describe('in browsers', () => {
    let browser: TestBrowser;

    beforeAll(async () => {
      browser = await TestBrowser.launch();
    }, 180_000);
    afterEach(() => expect(browser.takeErrors()).toEqual([]));
    afterAll(() => browser?.close());

    test('a question is asked, voted on and talked about, and everybody sees it at once', async () => {
      const [author, other] = [await browser.visitor(), await browser.visitor()];

      const asking = await author.open(`${origin()}/`);
      await asking.click('a[href="/polls/new"]');
      await asking.waitForSelector('#text');
      await asking.type('#text', QUESTION);
      await asking.type('[aria-label="Choice 1"]', 'This');
      await asking.type('[aria-label="Choice 2"]', 'That');
      await click(asking, 'button', 'Publish');
      await expectText(asking, 'h1', QUESTION);
      const address = asking.url();
      await click(asking, 'a', 'See the results');
      await expectText(asking, 'main', '0 votes');
      await expectText(asking, 'main', 'Live');

      const voting = await other.open(address);
      await click(voting, 'label', 'That');
      await click(voting, 'button', 'Vote');
      await expectText(voting, 'main', 'Your vote');
      await expectText(asking, 'main', '1 vote');
      await expectText(asking, 'main li', 'That');

      await talk(voting, 'Ada', 'That, of course.');
      await expectText(asking, '[aria-label="Messages"]', 'That, of course.');
      await talk(asking, 'Grace', 'So it seems.');
      await expectText(voting, '[aria-label="Messages"]', 'So it seems.');

      await asking.goto(address);
      await click(asking, 'button', 'Close this poll');
      await expectText(asking, 'main', 'Closed');
      await expectText(voting, 'main', 'Closed');
    });

    test('pages are left for others without loading a document anew', async () => {
      const page = await (await browser.visitor()).open(`${origin()}/`);
      await page.evaluate(`document.body.dataset.mark = 'same'`);
      await click(page, 'nav a', 'Older');
      await expectText(page, '[aria-label="Pages"]', 'Page 2');
      await click(page, 'nav a', 'Explore');
      await page.waitForFunction(`location.pathname === '/explore'`);
      await page.waitForSelector('main form');
      await page.goBack();
      await expectText(page, '[aria-label="Pages"]', 'Page 2');
      expect(await page.evaluate(`document.body.dataset.mark`)).toBe('same');
    });
  });
}

/** Clicks the first element of a kind that has a text, once it is there. */
async function click(page: Page, selector: string, text: string): Promise<void> {
  const element = page.locator(`${selector} ::-p-text(${text}), ${selector}::-p-text(${text})`);
  await element.click();
}

async function talk(page: Page, author: string, text: string): Promise<void> {
  await page.type('input[name=author]', author);
  await page.type('input[name=text]', text);
  await click(page, 'button', 'Say it');
}
