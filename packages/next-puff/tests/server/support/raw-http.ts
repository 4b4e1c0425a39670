import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** A response as its bytes say it, nothing interpreted but its framing. */
export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Names as they were sent. */
  readonly headers: readonly (readonly [string, string])[];
  /** Without the chunks' frames, and not decompressed. */
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** The 1xx responses before it. */
  readonly interim: readonly RawHead[];
  /** Whether it ended as its framing says, not by a cut connection. */
  readonly isComplete: boolean;
}

interface RawHead {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** The connection ended, or nothing came in time. */
export class NoResponse extends Error {}

const TIMEOUT_MS = 20_000;

/** A connection on which the bytes of requests are under control. */
export class RawConnection {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    const end = () => {
      this.#isEnded = true;
      this.#wake();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  static async open(to: number | NetConnectOpts): Promise<RawConnection> {
    const options = typeof to === 'number' ? { port: to, host: '127.0.0.1' } : to;
    // Half-open, because a server may answer after one side has ended.
    const socket = connect({ ...options, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawConnection(socket.setNoDelay(true));
  }

  /** Whether the server has ended the connection. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Sends bytes; false if the connection is gone. */
  async send(bytes: string | Buffer): Promise<boolean> {
    if (this.socket.destroyed) return false;
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    return new Promise((resolve) => {
      this.socket.write(buffer, (error) => resolve(!error));
    });
  }

  /**
   * Reads the next response.
   *
   * @throws NoResponse when the connection ended, or nothing came in time, before its head was there
   */
  async receive(method = 'GET', timeoutMs = TIMEOUT_MS): Promise<RawResponse> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const interim: RawHead[] = [];
    for (;;) {
      const head = await this.receiveHead(deadline);
      if (head.status >= 200 || head.status === 101) {
        return { ...head, interim, ...(await this.#receiveBody(method, head, deadline)) };
      }
      interim.push(head);
    }
  }

  /** Reads until there are no more bytes: what is left, or all where nothing was read. */
  async receiveRest(timeoutMs = TIMEOUT_MS): Promise<Buffer> {
    const deadline = AbortSignal.timeout(timeoutMs);
    while (await this.#more(deadline));
    return this.#take(this.#received.length);
  }

  /** Waits until the server has ended the connection; false if it does not in time. */
  async ended(timeoutMs = TIMEOUT_MS): Promise<boolean> {
    const deadline = AbortSignal.timeout(timeoutMs);
    while (!this.#isEnded && (await this.#more(deadline)));
    return this.#isEnded;
  }

  async receiveHead(deadline: AbortSignal = AbortSignal.timeout(TIMEOUT_MS)): Promise<RawHead> {
    const text = (await this.#until('\r\n\r\n', deadline))?.toString('latin1');
    if (text === undefined) {
      const received = JSON.stringify(this.#received.toString('latin1').slice(0, 200));
      throw new NoResponse(`no response, only ${received}, ${this.#isEnded ? 'ended' : 'open'}`);
    }
    const [line = '', ...fields] = text.slice(0, -4).split('\r\n');
    const [, version = '', status = '', reason = ''] =
      /^HTTP\/(\S+) (\d+) ?(.*)$/s.exec(line) ?? [];
    if (status === '') throw new NoResponse(`not a status line: ${JSON.stringify(line)}`);
    return { version, status: Number(status), reason, headers: fields.map(parseField) };
  }

  /**
   * Reads the next chunk of a body.
   *
   * @throws NoResponse when there is none
   */
  async receiveChunk(deadline: AbortSignal = AbortSignal.timeout(TIMEOUT_MS)): Promise<Buffer> {
    const chunk = await this.#receiveChunk(deadline);
    if (chunk === undefined) throw new NoResponse('no chunk');
    return chunk;
  }

  close(): void {
    this.socket.destroy();
  }

  async #receiveBody(
    method: string,
    { status, headers }: RawHead,
    deadline: AbortSignal,
  ): Promise<Pick<RawResponse, 'body' | 'trailers' | 'isComplete'>> {
    const hasNone = method === 'HEAD' || status === 204 || status === 304 || status === 101;
    if (hasNone) return { body: Buffer.alloc(0), trailers: [], isComplete: true };
    if (/chunked/i.test(headerOf(headers, 'transfer-encoding') ?? '')) {
      return this.#receiveChunks(deadline);
    }
    const length = headerOf(headers, 'content-length');
    if (length !== undefined) {
      const isComplete = await this.#has(Number(length), deadline);
      return { body: this.#take(Number(length)), trailers: [], isComplete };
    }
    while (await this.#more(deadline));
    const body = this.#take(this.#received.length);
    return { body, trailers: [], isComplete: this.#isEnded };
  }

  async #receiveChunks(
    deadline: AbortSignal,
  ): Promise<Pick<RawResponse, 'body' | 'trailers' | 'isComplete'>> {
    const chunks: Buffer[] = [];
    const cut = () => ({ body: Buffer.concat(chunks), trailers: [], isComplete: false });
    for (;;) {
      const chunk = await this.#receiveChunk(deadline);
      if (chunk === undefined) return cut();
      if (chunk.length === 0) break;
      chunks.push(chunk);
    }
    const trailers: (readonly [string, string])[] = [];
    for (;;) {
      const line = (await this.#until('\r\n', deadline))?.toString('latin1');
      if (line === undefined) return cut();
      if (line === '\r\n') return { body: Buffer.concat(chunks), trailers, isComplete: true };
      trailers.push(parseField(line.slice(0, -2)));
    }
  }

  /** The next chunk, an empty one if it is the last; nothing if the connection was cut. */
  async #receiveChunk(deadline: AbortSignal): Promise<Buffer | undefined> {
    const size = (await this.#until('\r\n', deadline))?.toString('latin1');
    if (size === undefined) return undefined;
    const length = Number.parseInt(size, 16);
    if (Number.isNaN(length)) throw new NoResponse(`not a chunk: ${JSON.stringify(size)}`);
    if (length === 0) return Buffer.alloc(0);
    if (!(await this.#has(length + 2, deadline))) return undefined;
    return this.#take(length + 2).subarray(0, -2);
  }

  async #until(end: string, deadline: AbortSignal): Promise<Buffer | undefined> {
    for (;;) {
      const at = this.#received.indexOf(end);
      if (at >= 0) return this.#take(at + end.length);
      if (!(await this.#more(deadline))) return undefined;
    }
  }

  async #has(length: number, deadline: AbortSignal): Promise<boolean> {
    while (this.#received.length < length) {
      if (!(await this.#more(deadline))) return false;
    }
    return true;
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  /** Waits for more bytes; false if there will be none. */
  async #more(deadline: AbortSignal): Promise<boolean> {
    const before = this.#received.length;
    while (this.#received.length === before) {
      if (this.#isEnded || deadline.aborted) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return true;
  }
}

/** The values of a header, joined as RFC 9110 lets recipients do. */
export function headerOf(
  headers: readonly (readonly [string, string])[],
  name: string,
): string | undefined {
  const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

function parseField(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
