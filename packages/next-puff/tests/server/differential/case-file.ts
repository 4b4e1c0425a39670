import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unescapeText } from '../support/escaped-text.ts';

/**
 * The files of cases, in which a line is a request:
 *
 *     GET /path | Header: value | < body
 *
 * `~ chunk` instead of `< body` sends a chunk (any number of them), `form ID name=value&...` submits
 * a form of the page that was received last. Without a `Host` it is `app.example`, `Host: -` leaves it out.
 * `\n`, `\r`, `\t` and `\xHH` mean what they mean in JavaScript, and `{...}` is filled in when the
 * request is sent (see `placeholders.ts`). Lines that begin with `#` are comments.
 */
const CASES = join(import.meta.dirname, 'cases');

/** A request as its line says it. */
export interface RequestLine {
  /** As it stands in the file. */
  readonly text: string;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly chunks?: readonly string[];
  readonly form?: { readonly id: string; readonly fields: readonly (readonly [string, string])[] };
  /** The request is repeated until the response has this. */
  readonly until?: string;
}

/** Requests that are sent one after the other, to the same server. */
export interface Group {
  readonly name: string;
  readonly requests: readonly RequestLine[];
}

/**
 * Reads paths (a path and its kinds) and `shapes.txt` (kinds, or `all`, and a request in which `*` is the
 * path): every path with every shape that is for it.
 */
export function readMatrix(file: string): Group[] {
  const shapes = linesOf('shapes.txt').map((line) => {
    const [, kinds = '', request = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return { kinds: kinds.split(','), request };
  });
  return linesOf(file).map((line) => {
    const [, path = '', kinds = ''] = /^((?:\{[^}]*\}|\S)+)\s+(.*)$/.exec(line) ?? [];
    const fitting = shapes.filter((shape) =>
      shape.kinds.some((kind) => kind === 'all' || kinds.split(' ').includes(kind)),
    );
    return {
      name: path,
      requests: fitting.map(({ request }) => parseRequest(fill(request, path))),
    };
  });
}

/** Reads a file of single requests; those to the same path are sent in their order. */
export function readRequests(file: string): Group[] {
  const groups = new Map<string, RequestLine[]>();
  for (const line of linesOf(file)) {
    const request = parseRequest(line);
    const path = request.target.split('?')[0] as string;
    groups.set(path, [...(groups.get(path) ?? []), request]);
  }
  return [...groups].map(([name, requests]) => ({ name, requests }));
}

/**
 * Reads a file of sequences: `= name` begins one. A line may begin with `until "text":`, to repeat it until
 * the response has the text.
 */
export function readSequences(file: string): Group[] {
  const sequences: { name: string; requests: RequestLine[] }[] = [];
  for (const line of linesOf(file)) {
    if (line.startsWith('= ')) sequences.push({ name: line.slice(2), requests: [] });
    else sequences.at(-1)?.requests.push(parseRequest(line));
  }
  return sequences;
}

function linesOf(file: string): string[] {
  const lines = readFileSync(join(CASES, file), 'utf8').split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

function fill(request: string, path: string): string {
  const hasQuery = path.includes('?');
  return request.replace(/\*(\?)?/, (_, query) => `${path}${query ? (hasQuery ? '&' : '?') : ''}`);
}

function parseRequest(text: string): RequestLine {
  const [, until, rest = ''] = /^(?:until "([^"]*)": *)?(.*)$/s.exec(text) ?? [];
  const [first = '', ...parts] = rest.split(' | ');
  const [, method = '', target = '', version = 'HTTP/1.1'] =
    /^(\S+) (.*?)(?: (HTTP\/\S+))?$/.exec(first) ?? [];
  const headers: (readonly [string, string])[] = [];
  const chunks: string[] = [];
  const request: { -readonly [Key in keyof RequestLine]: RequestLine[Key] } = {
    text,
    method,
    target: unescapeText(target),
    version,
    headers,
  };
  if (until !== undefined) request.until = until;
  for (const part of parts) {
    const field = /^([^:\s<~]+):\s*(.*)$/s.exec(part);
    if (part.startsWith('< ')) request.body = unescapeText(part.slice(2));
    else if (part.startsWith('~ ')) chunks.push(unescapeText(part.slice(2)));
    else if (part.startsWith('form ')) request.form = parseForm(part);
    else if (field !== null) headers.push([field[1] as string, unescapeText(field[2] as string)]);
    else throw new Error(`"${part}" is neither a header nor a body, in: ${text}`);
  }
  return chunks.length === 0 ? request : { ...request, chunks };
}

function parseForm(part: string): NonNullable<RequestLine['form']> {
  const [, id = '', fields = ''] = part.split(' ');
  return { id, fields: [...new URLSearchParams(fields)] };
}
