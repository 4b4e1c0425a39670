/** `traceparent` of W3C Trace Context (section 3.2), of its version 00 and of those to come. */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[\x21-\x7e]{1,200})?$/;

/** The trace that a request is a part of, from its header `traceparent`; nothing where that is malformed. */
export function traceIn(header: unknown): string | undefined {
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
}
