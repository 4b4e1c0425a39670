import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { isIPv6 } from 'node:net';
import type { NativeRequest } from '../native-server.js';
import { type AnswerWriter, HIGH_WATER } from './answer-writer.js';

/**
 * The client's connection, as one exchange sees it: what `request.socket` and `response.socket` are.
 *
 * It has what programs ask of a `net.Socket`. Nothing can be written to it but through the response.
 */
export class ClientSocket extends EventEmitter {
  readonly server: Server;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** Only where TLS is spoken, as of a `TLSSocket`. */
  declare readonly encrypted?: true;
  readonly readableHighWaterMark: number = HIGH_WATER;
  readonly writableHighWaterMark: number = HIGH_WATER;
  readonly connecting: boolean = false;
  readable = true;
  writable = true;
  destroyed = false;
  timeout: number | undefined;
  /** `node:http` looks here for the response that a socket carries. */
  _httpMessage: unknown = null;
  /** `node:http` resets its `corked` at the end of a response. */
  readonly _writableState: { corked: number } = { corked: 0 };

  readonly #writer: AnswerWriter;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: Server, request: NativeRequest, writer: AnswerWriter) {
    super();
    this.server = server;
    this.remoteAddress = request.remoteAddress || undefined;
    this.remotePort = request.remotePort || undefined;
    if (request.isEncrypted) this.encrypted = true;
    this.#writer = writer;
  }

  get remoteFamily(): string | undefined {
    if (this.remoteAddress === undefined) return undefined;
    return isIPv6(this.remoteAddress) ? 'IPv6' : 'IPv4';
  }

  get readyState(): string {
    return this.destroyed ? 'closed' : 'open';
  }

  get closed(): boolean {
    return this.destroyed;
  }

  get writableLength(): number {
    return this.#writer.length;
  }

  get writableCorked(): number {
    return this._writableState.corked;
  }

  cork(): void {
    this._writableState.corked++;
  }

  uncork(): void {
    if (this._writableState.corked === 0) return;
    this._writableState.corked--;
    if (this._writableState.corked === 0) this.#writer.flush();
  }

  /** Closes the connection, unless the answer is complete already. */
  destroy(_error?: Error): this {
    if (this.destroyed) return this;
    const isOver = this.#writer.isOver;
    this.#writer.abort();
    this.#shut();
    if (!isOver) process.nextTick(() => this.emit('close', false));
    return this;
  }

  destroySoon(): this {
    return this.destroy();
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  end(): this {
    return this.destroy();
  }

  /** The client went away. */
  disconnect(): void {
    if (this.destroyed) return;
    this.#writer.discard();
    this.#shut();
    this.emit('close', false);
  }

  /** The answer is over; what becomes of the connection is nobody's business here. */
  release(): void {
    clearTimeout(this.#timer);
    this._httpMessage = null;
  }

  /** Emits `timeout` when nothing is read or written for so long; 0 for never. */
  setTimeout(timeoutMs: number, listener?: () => void): this {
    if (listener) this.once('timeout', listener);
    this.timeout = timeoutMs;
    this.restartTimeout();
    return this;
  }

  /** Something was read or written. */
  restartTimeout(): void {
    if (this.timeout === undefined) return;
    clearTimeout(this.#timer);
    if (this.timeout === 0 || this.destroyed) return;
    this.#timer = setTimeout(() => this.emit('timeout'), this.timeout);
    this.#timer.unref();
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }

  address(): object {
    return {};
  }

  #shut(): void {
    clearTimeout(this.#timer);
    this.destroyed = true;
    this.readable = false;
    this.writable = false;
  }
}
