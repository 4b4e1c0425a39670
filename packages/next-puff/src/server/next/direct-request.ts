import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { NativeRequest } from '../native-server.js';

/** Where the app believes to be reached. */
export interface AppOrigin {
  /** For `x-forwarded-host` of requests that name no host. */
  readonly hostname: string;
  readonly port: number;
  /** Both, as they stand in a URL. */
  readonly host: string;
}

/** Headers that make Next.js do something else than call the handler, or something before it. */
const SPECIAL =
  /^(?:rsc|next-.*|x-next.*|x-middleware-.*|x-prerender-.*|x-now-route-matches|x-matched-path|x-invocation-id|purpose)$/;

/** Draft mode and preview mode. */
const SPECIAL_COOKIE = /__prerender_bypass|__next_preview_data/;

/** What Next.js redirects or rejects before it looks at routes. */
const SPECIAL_URL = /^[^/]|\\|^[^?]*\/\//;

/** Methods that handlers may have; of others Next.js has answers of its own. */
const METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH']);

/** Methods whose requests have no body for Next.js. */
const BODILESS = new Set(['GET', 'HEAD']);

const NO_BYTES = new Uint8Array(0);

/** Whether a request is answered by nothing but its handler. */
export function isPlain({ method, url, rawHeaders, hasMore }: NativeRequest): boolean {
  if (hasMore || !METHODS.has(method) || SPECIAL_URL.test(url)) return false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (SPECIAL.test(name)) return false;
    if (name === 'cookie' && SPECIAL_COOKIE.test(rawHeaders[at + 1] as string)) return false;
  }
  return true;
}

/** `traceparent` of a request; none where it was sent twice. */
export function traceparentOf({ rawHeaders }: NativeRequest): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at] !== 'traceparent') continue;
    if (found !== undefined) return undefined;
    found = rawHeaders[at + 1];
  }
  return found;
}

/** The headers as a handler sees them: joined as Node does, with what Next.js adds. */
export function headersOf(request: NativeRequest, origin: AppOrigin): Record<string, string> {
  const headers = joined(request.rawHeaders);
  // As Next.js' `BaseServer.handleRequest`.
  const forwarded = headers['x-forwarded-proto'];
  const isHttps = forwarded ? forwarded === 'https' : request.isEncrypted;
  headers['x-forwarded-host'] ??= headers.host ?? origin.hostname;
  headers['x-forwarded-port'] ??= String(origin.port);
  headers['x-forwarded-proto'] ??= isHttps ? 'https' : 'http';
  if (request.remoteAddress !== '') headers['x-forwarded-for'] ??= request.remoteAddress;
  return headers;
}

/** The body as `Request` takes it. */
export function bodyOf({ method, body }: NativeRequest): Uint8Array | null {
  return BODILESS.has(method) ? null : (body ?? NO_BYTES);
}

/** Names of the parameters in a page's path, and whether they stand for several segments. */
export function paramNames(page: string): ReadonlyMap<string, boolean> {
  const names = new Map<string, boolean>();
  for (const [, dots, name] of page.matchAll(/\[{1,2}(\.{3})?([^\]]+)\]{1,2}/g)) {
    names.set(name as string, dots !== undefined);
  }
  return names;
}

/** Whether {@link paramsOf} can read them. */
export function areDecodable(raw: readonly string[]): boolean {
  try {
    for (const part of raw) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/**
 * The parameters as Next.js gives them; nothing for a route without any.
 *
 * @throws URIError for what cannot be decoded
 */
export function paramsOf(
  names: ReadonlyMap<string, boolean>,
  raw: readonly string[],
): Record<string, string | string[]> | undefined {
  if (names.size === 0) return undefined;
  const params: Record<string, string | string[]> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string;
    const value = raw[at + 1] as string;
    params[name] = names.get(name)
      ? value.split('/').map(decodeURIComponent)
      : decodeURIComponent(value);
  }
  return params;
}

function joined(rawHeaders: string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name in headers) return joinedByNode(rawHeaders);
    headers[name] = rawHeaders[at + 1] as string;
  }
  return headers;
}

/** Which of several values count is Node's to say. */
function joinedByNode(rawHeaders: string[]): Record<string, string> {
  const message = new IncomingMessage(new Socket());
  const internals = message as unknown as {
    _addHeaderLines(headers: string[], count: number): void;
  };
  internals._addHeaderLines(rawHeaders, rawHeaders.length);
  // Only `set-cookie` has several values, which no request has a use for.
  return message.headers as Record<string, string>;
}
