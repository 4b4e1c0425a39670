import { headerOf } from '../support/raw-http.ts';
import type { RequestLine } from './case-file.ts';
import type { Outcome } from './exchange.ts';

/** Something in which two right answers may differ. */
export interface Exemption {
  /** A header, in lower case, or a part of an answer as `compare.ts` names it. */
  readonly what: string;
  readonly why: string;
  /** Always, if it is not given. */
  readonly when?: (request: RequestLine, expected: Outcome, actual: Outcome) => boolean;
}

/** Bytes of an answer that compression would hardly make fewer packets of. */
const SHORT = 1024;

/** What is not compared, and why. */
export const EXEMPTIONS: readonly Exemption[] = [
  { what: 'date', why: 'It is the time.' },
  { what: 'connection', why: 'It speaks of one connection only (RFC 9110, 7.6.1).' },
  { what: 'keep-alive', why: 'It speaks of one connection only; its timeout is the server’s own.' },
  {
    what: 'transfer-encoding',
    why: 'It is how a body is framed; bodies are compared without frames.',
  },
  {
    what: 'content-length',
    why: 'A body may be framed by chunks instead, and its length depends on its coding.',
    when: (_, expected, actual) =>
      [expected, actual].some((it) => headerIn(it, 'content-length') === undefined) ||
      codingOf(expected) !== codingOf(actual),
  },
  {
    what: 'content-encoding',
    why: 'The native server knows Brotli, which next start does not, and leaves short answers and 416 alone.',
    when: (request, _, actual) =>
      (codingOf(actual) === 'br' &&
        /\bbr\b/.test(headerOf(request.headers, 'accept-encoding') ?? '')) ||
      (codingOf(actual) === undefined &&
        'body' in actual &&
        (actual.body.length < SHORT || actual.response.status === 416)),
  },
  {
    what: 'etag',
    why: 'An answer that was compressed has a weak one: its bytes are others (RFC 9110, 8.8.1).',
    when: (_, expected, actual) =>
      codingOf(actual) !== undefined &&
      headerIn(actual, 'etag') === `W/${headerIn(expected, 'etag')}`,
  },
  {
    what: 'version',
    why: 'An answer may say HTTP/1.0 or HTTP/1.1 to a client of HTTP/1.0 (RFC 9110, 6.2).',
    when: ({ version }) => version === 'HTTP/1.0',
  },
  {
    what: 'interim',
    why: 'Early hints are hints; the native server has no way to send them.',
    when: (_, expected) => 'response' in expected && expected.response.interim[0]?.status === 103,
  },
  {
    what: 'interim',
    why: 'Who answers without the body need not ask for it (RFC 9110, 10.1.1).',
    when: (_, __, actual) => 'response' in actual && actual.response.interim.length === 0,
  },
  {
    what: 'outcome',
    why: 'The target has bytes that no URL has (RFC 3986, 2); each parser lets others of them pass.',
    when: ({ target }, expected, actual) =>
      !/^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/.test(target) &&
      [expected, actual].some((it) => 'response' in it && it.response.status === 400),
  },
  {
    what: 'outcome',
    why: 'A request without one Host is refused (RFC 9112, 3.2); how is nobody’s business.',
    when: ({ headers }, _, actual) =>
      headers.some(([name, value], at) => name === 'Host' && (value === '-' || at > 0)) &&
      'response' in actual &&
      actual.response.status === 400,
  },
];

function codingOf(outcome: Outcome): string | undefined {
  return headerIn(outcome, 'content-encoding');
}

function headerIn(outcome: Outcome, name: string): string | undefined {
  return 'response' in outcome ? headerOf(outcome.response.headers, name) : undefined;
}

interface VariableText {
  readonly what: string;
  readonly why: string;
  readonly pattern: RegExp;
  readonly becomes: string;
}

/** Texts in bodies that differ between two runs of the same server. */
export const VARIABLE_TEXTS: readonly VariableText[] = [
  {
    what: 'digests of errors',
    why: 'are hashes of stack traces, which hold the folder of the app and who called',
    pattern: /("digest\\?":\\?"|data-dgst="|digest=")\d+/g,
    becomes: '$1DIGEST',
  },
  {
    what: 'ids of renderings',
    why: 'are random, so that React tells the metadata of two renderings apart',
    pattern: /(\\?")(?:[\w-]{21}|[\da-f-]{36})([vm]\\?")/g,
    becomes: '$1RENDERING$2',
  },
];

/** Texts in headers that differ between two runs of the same server. */
export const VARIABLE_HEADER_TEXTS: readonly VariableText[] = [
  {
    what: 'data of the preview mode',
    why: 'is encrypted with a random vector',
    pattern: /(__next_preview_data=)[^;]+/g,
    becomes: '$1ENCRYPTED',
  },
  {
    what: 'the server’s own port',
    why: 'is another for every server',
    pattern: /(\/\/localhost:)\d+/g,
    becomes: '$1PORT',
  },
];

/**
 * The parts of a streamed page, sorted: React and Next.js send what is ready, so which part comes first, and how
 * the rows of the RSC payload are cut into scripts, depends on how busy the machine is.
 */
export function streamedParts(text: string): string {
  const rows: string[] = [];
  const html = text.replace(FLIGHT_SCRIPT, (_, payload: string) => {
    rows.push(JSON.parse(payload));
    return '';
  });
  if (rows.length === 0) return text.split('\n').sort().join('\n');
  const parts = html.split(/(?=<script|<div hidden|<\/body)|(?<=<\/script>)/);
  return [...parts.sort(), ...rows.join('').split('\n').sort()].join('\n');
}

const FLIGHT_SCRIPT = /<script>self\.__next_f\.push\(\[1,("(?:[^"\\]|\\.)*")\]\)<\/script>/g;
