import {
  type OutgoingHttpHeader,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http';

/** The head of an answer, as the native core takes it. */
export interface AnswerHead {
  status: number;
  /** The reason phrase, where it is not the usual one. */
  reason: string | undefined;
  /** Names and values of the header fields, divided by NUL. */
  fields: string;
}

/** What `response.writeHead()` takes, or what was collected with `setHeader()`: names and values by name. */
export type HeadFields =
  | undefined
  | readonly OutgoingHttpHeader[]
  | readonly (readonly [string, OutgoingHttpHeader])[]
  | Readonly<Record<string, OutgoingHttpHeader | readonly [string, OutgoingHttpHeader]>>;

/** How the message is framed is decided by the server, which knows the connection. */
const FRAMING = new Set(['transfer-encoding', 'keep-alive']);

const CLOSE = /(?:^|\W)close(?:$|\W)/i;

/**
 * Packs header fields as `node:http` would send them: arrays become several fields, those of `cookie`
 * are joined.
 */
export class HeadPacker {
  hasContentLength = false;
  hasTrailer = false;
  #packed = '';

  get fields(): string {
    return this.#packed;
  }

  /**
   * @param isChecked whether the field comes from `setHeader()`
   * @throws TypeError as `node:http` does for names and values that cannot be sent
   */
  add(name: string, value: OutgoingHttpHeader, isChecked: boolean): void {
    if (!isChecked) validateHeaderName(name);
    const key = name.toLowerCase();
    if (!Array.isArray(value)) this.#addOne(key, value as string | number, isChecked);
    else if (key === 'cookie' && value.length > 1) this.#addOne(key, value.join('; '), isChecked);
    else for (const one of value) this.#addOne(key, one, isChecked);
  }

  #addOne(key: string, value: string | number, isChecked: boolean): void {
    if (!isChecked) validateHeaderValue(key, value as string);
    if (FRAMING.has(key)) return;
    if (key === 'connection' && !CLOSE.test(String(value))) return;
    if (key === 'content-length') this.hasContentLength = true;
    else if (key === 'trailer') this.hasTrailer = true;
    this.#packed += this.#packed === '' ? `${key}\0${value}` : `\0${key}\0${value}`;
  }
}

/** Those that Node and the native server call the same. */
const USUAL_STATUSES = new Set([
  200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 409, 410,
  412, 413, 415, 416, 422, 429, 500, 501, 502, 503, 504,
]);

/** The reason phrase that the native server has to be told, if there is one. */
export function unusualReason(status: number, message: string | undefined): string | undefined {
  const usual = STATUS_CODES[status] ?? 'unknown';
  const reason = message || usual;
  return reason === usual && USUAL_STATUSES.has(status) ? undefined : reason;
}

const NOT_ASCII = /[\x80-\xff]/;

/** Header fields as they are sent when they are written as UTF-8: a character per byte. */
export function utf8Fields(fields: string): string {
  return NOT_ASCII.test(fields) ? Buffer.from(fields, 'utf8').toString('latin1') : fields;
}
