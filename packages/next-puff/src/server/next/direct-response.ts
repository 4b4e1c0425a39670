import { unusualReason, utf8Fields } from '../exchange/answer-head.js';

/** An answer that is there as a whole. */
export interface WholeResponse {
  status: number;
  reason: string | undefined;
  /** Names and values, divided by NUL. */
  fields: string;
  body: string | Uint8Array | undefined;
}

/** What Next.js leaves out, and how the message is framed. */
const NOT_SENT = new Set([
  'x-middleware-set-cookie',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'keep-alive',
]);

/**
 * What `sendResponse` of Next.js would send, if that is known without reading a stream; otherwise
 * nothing.
 *
 * @param vary what Next.js has set before
 * @param added what the config has set before that: name in lower case, value, name, value ...
 */
export function wholeResponse(
  response: Response,
  isHead: boolean,
  vary: string,
  added: readonly string[],
  splitCookies: (cookies: string) => string[],
): WholeResponse | undefined {
  const { status, statusText } = response;
  if (status < 200) return undefined;
  const body = isHead ? undefined : bodyOf(response);
  if (body === null) return undefined;
  if (areMixed(added, response.headers)) return undefined;
  let fields = added.length === 0 ? `vary\0${vary}` : `${added.join('\0')}\0vary\0${vary}`;
  response.headers.forEach((value, name) => {
    if (NOT_SENT.has(name)) return;
    if (name !== 'set-cookie') fields += `\0${name}\0${value}`;
    else for (const cookie of splitCookies(value)) fields += `\0set-cookie\0${cookie}`;
  });
  // Next.js flushes the head before a body, which has Node write it as UTF-8.
  if (body !== undefined) fields = utf8Fields(fields);
  return { status, reason: unusualReason(status, statusText), fields, body };
}

/** Whether a name is in both, or is set in several places: then Next.js has rules for their values. */
function areMixed(added: readonly string[], headers: Headers): boolean {
  for (let at = 0; at < added.length; at += 2) {
    const name = added[at] as string;
    if (name === 'vary' || NOT_SENT.has(name) || headers.has(name)) return true;
  }
  return false;
}

/** What `undici` keeps of a response, in the versions of Node that let it be seen. */
interface BodyState {
  body: { source: unknown; stream: ReadableStream } | null;
}

const stateKey = Object.getOwnPropertySymbols(new Response()).find(
  ({ description }) => description === 'state',
);

/** The body, if the response was made of text or bytes; null if it has to be read. */
function bodyOf(response: Response): string | Uint8Array | undefined | null {
  if (response.body === null) return undefined;
  if (stateKey === undefined || response.bodyUsed) return null;
  const state = (response as unknown as Record<symbol, BodyState>)[stateKey];
  const source = state?.body?.source;
  if (response.body.locked) return null;
  return typeof source === 'string' || source instanceof Uint8Array ? source : null;
}
