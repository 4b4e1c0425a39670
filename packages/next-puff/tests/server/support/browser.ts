import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MACOS_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
const APT = 'apt-get update && apt-get install -y --no-install-recommends chromium';

/** Whether React has taken the document over: it marks the elements that are its own. */
const IS_ALIVE = `[...document.querySelectorAll('body, #__next > *')].some((element) =>
  Object.keys(element).some((key) => key.startsWith('__reactFiber')))`;

/** Headless Chromium; it fails the test whose pages report errors. */
export class TestBrowser {
  readonly #browser: Browser;
  readonly #newPage: () => Promise<Page>;
  readonly #errors: string[];

  private constructor(browser: Browser, newPage: () => Promise<Page>, errors: string[] = []) {
    this.#browser = browser;
    this.#newPage = newPage;
    this.#errors = errors;
  }

  /**
   * Starts the Chromium that `CHROMIUM_BIN` names or that the PATH has. On Debian and Ubuntu root gets it installed.
   *
   * @throws where there is none, with the command that installs it
   */
  static async launch(): Promise<TestBrowser> {
    const executablePath = findChromium() ?? installChromium();
    const browser = await puppeteer.launch({
      executablePath,
      // Its sandbox cannot be had as root, nor in most containers.
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    return new TestBrowser(browser, () => browser.newPage());
  }

  /** A visitor of their own: shares no cookies with the others. */
  async visitor(): Promise<TestBrowser> {
    const context = await this.#browser.createBrowserContext();
    return new TestBrowser(this.#browser, () => context.newPage(), this.#errors);
  }

  /** Opens a page and waits until React has taken it over; what it reports is an error of the test. */
  async open(url: string): Promise<Page> {
    const page = await this.#newPage();
    const report = (what: string) => this.#errors.push(`${page.url()}: ${what}`);
    page.on('console', (message) => {
      if (message.type() === 'error') report(message.text());
    });
    page.on('pageerror', (error) => report(`uncaught: ${(error as Error).message}`));
    page.on('requestfailed', (request) => {
      // A navigation cancels what is under way, prefetches for example.
      const reason = request.failure()?.errorText;
      const isFault = reason !== undefined && reason !== 'net::ERR_ABORTED';
      if (isFault) report(`${request.url()} failed: ${reason}`);
    });
    await page.goto(url);
    if (url.startsWith('http')) await page.waitForFunction(IS_ALIVE);
    return page;
  }

  /** What pages have reported since this was last asked. */
  takeErrors(): string[] {
    return this.#errors.splice(0);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** Waits until an element has a text. */
export async function expectText(page: Page, selector: string, text: string): Promise<void> {
  const [where, what] = [JSON.stringify(selector), JSON.stringify(text)];
  await page.waitForFunction(`document.querySelector(${where})?.textContent.includes(${what})`);
}

function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_BIN;
  if (named !== undefined && named !== '') return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...candidates, MACOS_CHROME].find((path) => existsSync(path));
}

function installChromium(): string {
  if (existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    execFileSync('sh', ['-c', APT], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const installed = findChromium();
  if (installed !== undefined) return installed;
  throw new Error(
    `These tests need Chromium. Install it (Debian and Ubuntu: sudo sh -c '${APT}'), or name one in CHROMIUM_BIN.`,
  );
}
