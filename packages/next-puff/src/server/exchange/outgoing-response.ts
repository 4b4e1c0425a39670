import { type IncomingMessage, type OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  type AnswerHead,
  type HeadFields,
  HeadPacker,
  unusualReason,
  utf8Fields,
} from './answer-head.js';
import type { AnswerWriter, WriteCallback } from './answer-writer.js';
import type { ClientSocket } from './client-socket.js';

/** What `node:http` keeps in a response and does not declare. */
interface Internals {
  /** Not null once the head was written. */
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _closed: boolean;
  _trailer: string;
  destroyed: boolean;
  finished: boolean;
  outputSize: number;
  socket: Socket | null;
  _flush(): void;
}

/**
 * A response in the shape of `node:http`, to a request of the native server.
 *
 * Its class is that of Node, with everything that Node checks, throws and emits; it is led off where
 * Node would format the head (`_storeHeader`) and write to the socket (`_send`).
 */
export class OutgoingResponse extends ServerResponse {
  readonly #writer: AnswerWriter;
  /** Until the first part of the body is written. */
  #head: AnswerHead | undefined;

  /** @param onFinish called first of all when the answer is complete */
  constructor(
    request: IncomingMessage,
    socket: ClientSocket,
    writer: AnswerWriter,
    onFinish: () => void,
  ) {
    super(request);
    this.#writer = writer;
    const internals = this as unknown as Internals;
    socket._httpMessage = this;
    internals.socket = socket as unknown as Socket;
    // As Node before the listeners of anybody else.
    this.once('finish', () => {
      internals.socket = null;
      onFinish();
      // In a turn of its own: errors of late writes come before it.
      process.nextTick(() => this.close());
    });
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }

  override end(...args: unknown[]): this {
    const internals = this.#internals;
    if (internals.finished || internals.destroyed) return super.end(...(args as []));
    // `end` flushes before it has noted the end; all of it shall cross at once.
    this.#writer.isHeld = true;
    try {
      super.end(...(args as []));
    } finally {
      this.#writer.isHeld = false;
      if (internals.finished) this.#writer.finish(packTrailers(internals._trailer));
      else this.#writer.flush();
    }
    return this;
  }

  /** What was written has gone out: whoever waits for `drain` may go on. */
  settled(): void {
    const internals = this.#internals;
    if (internals.socket !== null && !internals.finished && !this.#writer.isBehind) {
      internals._flush();
    }
  }

  /** The connection is closed. */
  close(): void {
    const internals = this.#internals;
    if (internals._closed) return;
    internals.destroyed = true;
    internals._closed = true;
    this.emit('close');
  }

  /** Where Node would format the head. */
  protected _storeHeader(_statusLine: string, fields: HeadFields): void {
    const internals = this.#internals;
    const packer = new HeadPacker();
    if (this.getHeaderNames().length > 0) {
      // Collected with `setHeader()`: by key, the name as it was given and the value.
      const collected = fields as Readonly<Record<string, readonly [string, OutgoingHttpHeader]>>;
      for (const key in collected) {
        const [name, value] = collected[key] as readonly [string, OutgoingHttpHeader];
        packer.add(name, value, true);
      }
    } else {
      for (const [name, value] of pairs(fields)) packer.add(name, value, false);
    }
    if (packer.hasTrailer && (packer.hasContentLength || !internals._hasBody)) {
      const error: NodeJS.ErrnoException = new Error(
        'Trailers are invalid with this transfer encoding',
      );
      error.code = 'ERR_HTTP_TRAILER_INVALID';
      throw error;
    }
    const status = this.statusCode;
    const reason = unusualReason(status, this.statusMessage);
    this.#head = { status, reason, fields: packer.fields };
    internals._header = `${status}`;
    internals._headerSent = false;
  }

  /** Where Node would write to the socket, or wait for it. */
  protected _send(
    data: string | Uint8Array,
    encoding?: BufferEncoding | null | WriteCallback,
    callback?: WriteCallback | null,
  ): boolean {
    const internals = this.#internals;
    const { socket } = internals;
    if (socket === null || socket.destroyed) return false;
    internals._headerSent = true;
    const isUtf8 = typeof encoding !== 'string' || encoding === 'utf8';
    if (this.#head !== undefined) {
      // Node writes the head together with the first text, in the encoding of that.
      const fields =
        isUtf8 && typeof data === 'string' ? utf8Fields(this.#head.fields) : this.#head.fields;
      this.#writer.setHead({ ...this.#head, fields });
      this.#head = undefined;
    }
    const chunk = typeof data === 'string' && !isUtf8 ? Buffer.from(data, encoding) : data;
    this.#writer.add(chunk, typeof encoding === 'function' ? encoding : callback);
    if (socket.writableCorked === 0) this.#writer.flushSoon();
    return !this.#writer.isBehind;
  }

  /** Informational responses (100, 102, 103): the native server sends none but 100, by itself. */
  protected _writeRaw(_data: unknown, encoding?: unknown, callback?: unknown): boolean {
    const notify = typeof encoding === 'function' ? encoding : callback;
    if (typeof notify === 'function') process.nextTick(notify as () => void);
    return true;
  }

  /** `_flush` asks it whether `drain` may be emitted. */
  protected _flushOutput(): boolean {
    return true;
  }
}

function* pairs(fields: HeadFields): Generator<[string, OutgoingHttpHeader]> {
  if (fields === undefined || fields === null) return;
  if (!Array.isArray(fields)) {
    yield* Object.entries(fields as Readonly<Record<string, OutgoingHttpHeader>>);
  } else if (Array.isArray(fields[0])) {
    yield* fields as [string, OutgoingHttpHeader][];
  } else {
    if (fields.length % 2 !== 0) {
      const error: NodeJS.ErrnoException = new TypeError(
        "The argument 'headers' must have a value for every name",
      );
      error.code = 'ERR_INVALID_ARG_VALUE';
      throw error;
    }
    for (let at = 0; at < fields.length; at += 2) {
      yield [fields[at] as string, fields[at + 1] as OutgoingHttpHeader];
    }
  }
}

/** From Node's lines. */
function packTrailers(lines: string): string | undefined {
  if (lines === '') return undefined;
  const fields = lines
    .trimEnd()
    .split('\r\n')
    .map((line) => {
      const colon = line.indexOf(': ');
      return `${line.slice(0, colon).toLowerCase()}\0${line.slice(colon + 2)}`;
    });
  return fields.join('\0');
}
