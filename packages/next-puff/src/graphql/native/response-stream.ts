import { calls } from '../../boundary/calls.js';
import { InternalError } from '../../errors.js';

/** A stream of responses in the native core, read chunk by chunk; one reader at a time. */
export class ResponseStream {
  readonly #id: number;
  readonly #closing = new AbortController();
  #isOver = false;

  /** @param id the number that the core gave it */
  constructor(id: number) {
    this.#id = id;
  }

  /**
   * Waits for the next chunk; nothing at the end, or when the stream is closed meanwhile.
   *
   * @throws {PuffError} `PUFF_GRAPHQL_TOO_SLOW` when chunks came faster than they were read
   */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#isOver) return undefined;
    try {
      const completion = await calls().submit(
        (boundary, call) => boundary.graphqlPull(call, this.#id),
        { signals: [this.#closing.signal] },
      );
      if (completion.kind !== 'response') {
        throw new InternalError(`The native core answered with ${completion.kind}.`);
      }
      const { status, body } = completion.response;
      if (status === 1) return body;
      this.#isOver = true;
      return undefined;
    } catch (error) {
      if (this.#closing.signal.aborted) return undefined;
      this.#isOver = true;
      throw error;
    }
  }

  /** Ends the stream, and what it is of. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#closing.abort();
    calls().boundary.graphqlCloseStream(this.#id);
  }
}
