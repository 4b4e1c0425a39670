import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Boundary } from '../../native.js';
import type { NativeRequest } from '../native-server.js';
import type { ClientSocket } from './client-socket.js';

/** What `node:http` keeps in a message and does not declare. */
interface Internals {
  _readableState: { readingMore: boolean };
  _consuming: boolean;
  _addHeaderLines(headers: string[], count: number): void;
}

/**
 * A request in the shape of `node:http`, from the native server.
 *
 * Its class is that of Node, so that headers are joined, listed and dropped as Node does; only where the
 * body comes from is our own. What is not read holds the client up.
 */
export class IncomingRequest extends IncomingMessage {
  readonly #boundary: Boundary;
  readonly #exchange: number;
  /** The beginning of the body, until somebody reads. */
  #beginning: Uint8Array | undefined;
  #hasMore: boolean;
  /** Bytes that were given to the stream while it had enough. */
  #unread = 0;

  constructor(boundary: Boundary, request: NativeRequest, socket: ClientSocket) {
    super(socket as unknown as Socket);
    this.#boundary = boundary;
    this.#exchange = request.id;
    this.#beginning = request.body;
    this.#hasMore = request.hasMore;
    this.method = request.method;
    this.url = request.url;
    this.httpVersion = request.httpVersion;
    this.httpVersionMajor = request.httpVersion.charCodeAt(0) - 48;
    this.httpVersionMinor = request.httpVersion.charCodeAt(2) - 48;
    const { rawHeaders } = request;
    (this as unknown as Internals)._addHeaderLines(rawHeaders, rawHeaders.length);
    this.complete = !request.hasMore;
  }

  /** More of the body has arrived. */
  receive(bytes: Uint8Array): void {
    if (this.destroyed) return;
    if (this.#beginning !== undefined) this.#pushBeginning();
    this.#push(bytes);
  }

  /** All of the body has arrived. */
  receiveEnd(): void {
    this.#hasMore = false;
    this.complete = true;
    if (this.destroyed) return;
    if (this.#beginning !== undefined) this.#pushBeginning();
    this.push(null);
  }

  /** The rest of the body will not come. */
  cutOff(): void {
    if (this.destroyed) return;
    const error: NodeJS.ErrnoException = new Error('aborted');
    error.code = 'ECONNRESET';
    this.destroy(error);
  }

  /**
   * The answer is over, and with it the body: the native server drops the rest of it. Who reads it
   * learns that it is cut off; for who listens only, the stream ends.
   */
  dump(): void {
    const { _consuming: isRead } = this as unknown as Internals;
    if (this.#hasMore) {
      if (isRead) this.cutOff();
      else this.destroy();
    } else if (!isRead && (this.listenerCount('end') > 0 || this.listenerCount('close') > 0)) {
      this.resume();
    }
  }

  override _read(): void {
    const internals = this as unknown as Internals;
    if (!internals._consuming) {
      internals._readableState.readingMore = false;
      internals._consuming = true;
    }
    if (this.#beginning !== undefined) this.#pushBeginning();
    if (!this.#hasMore) this.push(null);
    else if (this.#unread > 0) {
      this.#boundary.serverRead(this.#exchange, this.#unread);
      this.#unread = 0;
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.readableEnded || !this.complete) {
      this.aborted = true;
      this.emit('aborted');
    }
    if (this.aborted) this.socket?.destroy();
    // As Node: who does not listen is not to be ended by it.
    process.nextTick(() => callback(this.listenerCount('error') === 0 ? null : error));
  }

  #pushBeginning(): void {
    const bytes = this.#beginning as Uint8Array;
    this.#beginning = undefined;
    this.#push(bytes);
  }

  #push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.push(chunk) && this.#hasMore) this.#boundary.serverRead(this.#exchange, chunk.length);
    else this.#unread += chunk.length;
  }
}
