import type { ResponseStream } from '../native/response-stream.js';

/** Names the event stream that responses go to; `endpoint.rs` has the same. */
const STREAM_TOKEN = 'x-graphql-event-stream-token';

/** Whether a client takes a stream of events for an answer. */
export function mayBeStreamed(accept: string | null | undefined): boolean {
  return accept?.includes('text/event-stream') ?? false;
}

/** Whether the operation of a request may go on after its answer. */
export function mayGoOn(headers: Pick<Headers, 'get'>, search: string): boolean {
  return (
    mayBeStreamed(headers.get('accept')) ||
    headers.get(STREAM_TOKEN) !== null ||
    /(?:^|&)token=/.test(search)
  );
}

/**
 * The body of a response that is streamed: read from the core when the client has room for it.
 *
 * @param signal aborts when the client goes away
 */
export function streamedBody(
  stream: ResponseStream,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const close = () => stream.close();
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await stream.next();
        if (chunk !== undefined) {
          controller.enqueue(chunk);
          return;
        }
        signal.removeEventListener('abort', close);
        // A client that is gone has cancelled it.
        if (!signal.aborted) controller.close();
        else controller.error(signal.reason);
      },
      cancel() {
        signal.removeEventListener('abort', close);
        close();
      },
    },
    // Nothing is read ahead.
    { highWaterMark: 0 },
  );
}
