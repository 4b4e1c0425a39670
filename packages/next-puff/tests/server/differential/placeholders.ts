import { createRequire } from 'node:module';
import type { BuiltApp } from '../support/built-app.ts';
import { headerOf, type RawResponse } from '../support/raw-http.ts';
import type { RequestLine } from './case-file.ts';

interface CacheBusting {
  computeCacheBustingSearchParam: (...headers: (string | undefined)[]) => Promise<string>;
  computeLegacyCacheBustingSearchParam: (...headers: (string | undefined)[]) => string;
}

// Its own function, so that the value is right by definition.
const { computeCacheBustingSearchParam, computeLegacyCacheBustingSearchParam } = createRequire(
  import.meta.url,
)('next/dist/shared/lib/router/utils/cache-busting-search-param') as CacheBusting;

const RSC_HEADERS = [
  'next-router-prefetch',
  'next-router-segment-prefetch',
  'next-router-state-tree',
  'next-url',
];

const PLACEHOLDER = /\{(etag|last-modified|cookies|rsc|rsc-legacy|build|action \w+|asset \S+)\}/;

/** What a server has answered in a group of requests so far. */
export class History {
  readonly #cookies = new Map<string, string>();
  readonly #validators = new Map<string, string>();
  html = '';

  add(response: RawResponse, body: Buffer): void {
    this.html = body.toString('utf8');
    for (const name of ['etag', 'last-modified']) {
      const value = headerOf(response.headers, name);
      if (value !== undefined) this.#validators.set(name, value);
    }
    for (const [name, value] of response.headers) {
      if (name.toLowerCase() !== 'set-cookie') continue;
      const [, key = '', text = ''] = /^([^=]*)=([^;]*)/.exec(value) ?? [];
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(value)) this.#cookies.delete(key);
      else this.#cookies.set(key, text);
    }
  }

  get cookies(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  validator(name: string): string {
    return this.#validators.get(name) ?? '"none was sent"';
  }
}

/**
 * Fills in what a request's line leaves open: `{etag}` and `{last-modified}` of the last response that had one,
 * `{cookies}` set so far, `{rsc}` and `{rsc-legacy}` as the router's client computes them from the request's
 * headers, `{build}` the build's id, `{action name}` a server action's id, `{asset ending}` a built file.
 */
export async function fillPlaceholders(
  text: string,
  request: RequestLine,
  app: BuiltApp,
  history: History,
): Promise<string> {
  const parts = text.split(PLACEHOLDER);
  const filled = parts.map(async (part, at) => {
    if (at % 2 === 0) return part;
    const [, name = '', argument = ''] = /^(\S+) ?(.*)$/.exec(part) ?? [];
    const rscHeaders = RSC_HEADERS.map((header) => headerOf(request.headers, header));
    switch (name) {
      case 'etag':
      case 'last-modified':
        return history.validator(name);
      case 'cookies':
        return history.cookies;
      case 'rsc':
        return computeCacheBustingSearchParam(...rscHeaders);
      case 'rsc-legacy':
        return computeLegacyCacheBustingSearchParam(...rscHeaders);
      case 'build':
        return app.buildId;
      case 'action':
        return app.actionId(argument);
      default:
        return app.asset(argument);
    }
  });
  return (await Promise.all(filled)).join('');
}
