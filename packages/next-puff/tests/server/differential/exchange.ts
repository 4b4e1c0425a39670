import { setTimeout as sleep } from 'node:timers/promises';
import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib';
import type { BuiltApp } from '../support/built-app.ts';
import { headerOf, NoResponse, RawConnection, type RawResponse } from '../support/raw-http.ts';
import type { Group, RequestLine } from './case-file.ts';
import { fillPlaceholders, History } from './placeholders.ts';

/** What became of a request. */
export type Outcome =
  | { readonly response: RawResponse; readonly body: Buffer }
  | { readonly failure: string };

const TIMEOUT_MS = 10_000;
const UNTIL_TRIES = 200;
const UNTIL_PAUSE_MS = 50;
const BOUNDARY = 'a-boundary-of-the-tests';

/** Sends a group of requests, in their order. */
export async function sendGroup(group: Group, app: BuiltApp, port: number): Promise<Outcome[]> {
  const history = new History();
  const outcomes: Outcome[] = [];
  for (const request of group.requests) {
    outcomes.push(await sendUntil(request, app, port, history));
  }
  return outcomes;
}

async function sendUntil(
  request: RequestLine,
  app: BuiltApp,
  port: number,
  history: History,
): Promise<Outcome> {
  for (let tries = 1; ; tries++) {
    const outcome = await send(request, app, port, history);
    const text = 'body' in outcome ? outcome.body.toString('utf8') : '';
    if (request.until === undefined || text.includes(request.until)) return outcome;
    if (tries === UNTIL_TRIES) return { failure: `never had "${request.until}", last: ${text}` };
    await sleep(UNTIL_PAUSE_MS);
  }
}

async function send(
  request: RequestLine,
  app: BuiltApp,
  port: number,
  history: History,
): Promise<Outcome> {
  const bytes = await bytesOf(request, app, history);
  const connection = await RawConnection.open(port);
  try {
    await connection.send(bytes);
    const response = await connection.receive(request.method, TIMEOUT_MS);
    const body = decode(response);
    history.add(response, body);
    return { response, body };
  } catch (error) {
    if (error instanceof NoResponse) return { failure: error.message };
    throw error;
  } finally {
    connection.close();
  }
}

async function bytesOf(request: RequestLine, app: BuiltApp, history: History): Promise<Buffer> {
  const fill = (text: string) => fillPlaceholders(text, request, app, history);
  const headers: [string, string][] = [];
  if (!request.headers.some(([name]) => name.toLowerCase() === 'host')) {
    headers.push(['Host', 'app.example']);
  }
  for (const [name, value] of request.headers) headers.push([name, await fill(value)]);
  let body: Buffer = Buffer.from(
    request.body === undefined ? '' : await fill(request.body),
    'latin1',
  );
  if (request.form !== undefined) {
    body = multipart(request.form, history.html);
    headers.push(['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`]);
  }
  const declares = (name: string) => headers.some(([key]) => key.toLowerCase() === name);
  if (request.chunks !== undefined) {
    headers.push(['Transfer-Encoding', 'chunked']);
    const chunks = request.chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    body = Buffer.from(`${chunks.join('')}0\r\n\r\n`, 'latin1');
  } else if ((request.body !== undefined || body.length > 0) && !declares('content-length')) {
    headers.push(['Content-Length', String(body.length)]);
  }
  const fields = headers
    .filter(([, value]) => value !== '-')
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const target = await fill(request.target);
  const head = `${request.method} ${target} ${request.version}\r\n${fields.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'utf8'), body]);
}

/** A form as a browser without JavaScript submits it. */
function multipart({ id, fields }: NonNullable<RequestLine['form']>, html: string): Buffer {
  const form = new RegExp(`<form[^>]*id="${id}".*?</form>`, 's').exec(html)?.[0];
  if (form === undefined) throw new Error(`The last page has no form ${id}: ${html.slice(0, 300)}`);
  const hidden = [...form.matchAll(/<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?/g)];
  const all = [
    ...hidden.map(
      ([, name = '', value = '']) => [unescapeHtml(name), unescapeHtml(value)] as const,
    ),
    ...fields,
  ];
  const parts = all.map(
    ([name, value]) =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return Buffer.from(`${parts.join('')}--${BOUNDARY}--\r\n`, 'utf8');
}

function decode({ headers, body }: RawResponse): Buffer {
  if (body.length === 0) return body;
  // What is there is decoded also where the connection was cut.
  const finishFlush = constants.Z_SYNC_FLUSH;
  try {
    switch (headerOf(headers, 'content-encoding')) {
      case 'gzip':
        return gunzipSync(body, { finishFlush });
      case 'deflate':
        return inflateSync(body, { finishFlush });
      case 'br':
        return brotliDecompressSync(body, { finishFlush: constants.BROTLI_OPERATION_FLUSH });
      default:
        return body;
    }
  } catch (error) {
    return Buffer.from(`not decompressible (${(error as Error).message}): ${body.toString('hex')}`);
  }
}

function unescapeHtml(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&amp;', '&');
}
