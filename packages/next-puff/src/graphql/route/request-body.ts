/** What was read of a body. */
export interface RequestBody {
  /** The body; empty if it is too large. */
  readonly bytes: Uint8Array;
  /** How long it is at least. */
  readonly length: number;
}

const NO_BODY: RequestBody = { bytes: new Uint8Array(0), length: 0 };

/**
 * Reads the body of a request, but never more than is allowed and what came together with the last of
 * that.
 *
 * @throws the reason of the signal, when that aborts
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  signal: AbortSignal,
): Promise<RequestBody> {
  const { body } = request;
  if (body === null) return NO_BODY;
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > maxBytes) return { bytes: NO_BODY.bytes, length: declared };

  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const stop = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return { bytes: joined(chunks, length), length };
      length += value.byteLength;
      if (length > maxBytes) {
        void reader.cancel().catch(() => {});
        return { bytes: NO_BODY.bytes, length };
      }
      chunks.push(value);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The bytes of all chunks. */
export function joined(chunks: Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (first === undefined) return NO_BODY.bytes;
  if (chunks.length === 1) return first;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
