import { EventEmitter } from 'node:events';
import { calls } from '../boundary/calls.js';
import { packHeaders } from './headers.js';
import { Inbox } from './inbox.js';
import { acceptSocket, readMessages, Sent, type SocketMessage } from './native-sockets.js';
import { type SocketEventListener, type SocketEventMap, WebEventListeners } from './web-events.js';

/** What can be sent; numbers go as texts, as with `ws`. */
export type Sendable = string | number | ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** The events of a socket, with the arguments of their listeners. */
export interface ServerWebSocketEvents {
  /** A message: a string if it is a text; else a Buffer, or an ArrayBuffer as `binaryType` says. */
  message: [data: string | Buffer | ArrayBuffer, isBinary: boolean];
  /** The end, with the client's code and reason; 1006 when it went without a word. */
  close: [code: number, reason: string];
  /** What was sent has gone out, after `send` had returned false. */
  drain: [];
  /** The answer to `ping`. */
  pong: [data: Buffer];
  /** Never emitted: what a client does wrong ends its socket, and the code of `close` tells. */
  error: [error: Error];
}

/** What a handshake is accepted with. */
export interface AcceptOptions {
  /** The subprotocol that will be spoken: one that the client offers. Default its first. */
  protocol?: string;
  /** Headers of the response, for example `Set-Cookie`. */
  headers?: Headers | Record<string, string> | [string, string][];
}

/** How a message is sent. */
export interface SendOptions {
  /** Whether it goes as bytes; default: as a text if it is a string. */
  binary?: boolean;
}

/** How a socket subscribes to a channel. */
export interface ChannelOptions {
  /**
   * What happens when messages of other processes may have been missed, because the way to them was broken for a
   * while: `'close'` (the default) closes the socket with 1013, so that its client connects again and asks for the
   * present state; `'ignore'` goes on.
   */
  onGap?: 'close' | 'ignore';
}

/** What a socket is made with. */
export interface SocketOptions {
  id: number;
  /** Names the route in messages. */
  name: string;
  /** The subprotocols that the client offers. */
  protocols: readonly string[];
  onAccepted: () => void;
}

type SentCallback = (error?: Error) => void;

/** Messages are reported as read in steps of so many bytes. */
const READ_STEP = 16 * 1024;

/** The longest reason that fits into a close frame, in bytes. */
const MAX_REASON = 123;

/**
 * A client's WebSocket, as handlers get it: with the events and methods of `ws`, those of the WHATWG's
 * WebSocket, and as something to iterate over: `for await (const message of socket)`.
 *
 * The handshake is answered when the socket is first used. Until then the handler can refuse it, by
 * returning a `Response`. Messages that come before anybody listens are kept; a client that sends many
 * has to wait.
 */
export class ServerWebSocket
  extends EventEmitter<ServerWebSocketEvents>
  implements AsyncIterable<string | Buffer>
{
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  /** Whether listeners get bytes as `Buffer` or as `ArrayBuffer`. */
  binaryType: 'nodebuffer' | 'arraybuffer' = 'nodebuffer';

  readonly #id: number;
  readonly #name: string;
  /** Nothing once it was called: it knows the request. */
  #onAccepted: (() => void) | undefined;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];

  #readyState: 0 | 1 | 2 | 3 = ServerWebSocket.CONNECTING;
  #protocol = '';
  #isClean = false;
  #isPaused = false;
  #isIterated = false;
  /** More was sent than has gone out. */
  #isFull = false;
  /** Whether somebody may still begin to listen. */
  #awaitsListener = true;
  /** What was read and has not been reported. */
  #unreported = 0;
  /** Runs listeners in the async context of the handler. */
  #run: (emit: () => void) => void = (emit) => emit();
  readonly #inbox = new Inbox((cost) => this.#read(cost));
  #webListeners: WebEventListeners | undefined;

  /** @internal */
  constructor({ id, name, protocols, onAccepted }: SocketOptions) {
    super({ captureRejections: true });
    this.#id = id;
    this.#name = name;
    this.protocols = protocols;
    this.#onAccepted = onAccepted;
    super.on('newListener' as never, onNewListener as never);
  }

  /** The number by which the core knows a socket. @internal */
  static idOf(socket: ServerWebSocket): number {
    return socket.#id;
  }

  get CONNECTING(): 0 {
    return ServerWebSocket.CONNECTING;
  }

  get OPEN(): 1 {
    return ServerWebSocket.OPEN;
  }

  get CLOSING(): 2 {
    return ServerWebSocket.CLOSING;
  }

  get CLOSED(): 3 {
    return ServerWebSocket.CLOSED;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    this.#use();
    return this.#readyState;
  }

  /** The subprotocol that was agreed on; empty without one. */
  get protocol(): string {
    this.#use();
    return this.#protocol;
  }

  /** Bytes that were sent and have not been taken by the operating system. */
  get bufferedAmount(): number {
    this.#use();
    return calls().boundary.socketBuffered(this.#id);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether both sides have closed it. @internal */
  get isClean(): boolean {
    return this.#isClean;
  }

  /** Whether the handshake was answered. @internal */
  get isAnswered(): boolean {
    return this.#readyState !== ServerWebSocket.CONNECTING;
  }

  /**
   * Answers the handshake, with a subprotocol or headers of one's own. It is answered without them when
   * the socket is first used, or when the handler returns.
   *
   * @throws Error if it is answered already, or the client does not offer the subprotocol
   */
  accept(options: AcceptOptions = {}): void {
    if (this.isAnswered) throw new Error('The handshake of this WebSocket is answered already.');
    const protocol = options.protocol ?? this.protocols[0];
    acceptSocket(this.#id, protocol, packHeaders(new Headers(options.headers)));
    this.#protocol = protocol ?? '';
    this.#readyState = ServerWebSocket.OPEN;
    const onAccepted = this.#onAccepted;
    this.#onAccepted = undefined;
    onAccepted?.();
  }

  /**
   * Sends a message. On a socket that is closing or closed it does nothing.
   *
   * @param callback is called when the message was handed over, with an error if it will not arrive
   * @returns whether more may follow; if not, wait for {@link ServerWebSocket.drained}. A client for whom
   *   more waits than `websocket.maxBufferedBytes` is closed with 1008.
   */
  send(data: Sendable, callback?: SentCallback): boolean;
  send(data: Sendable, options: SendOptions, callback?: SentCallback): boolean;
  send(data: Sendable, first?: SendOptions | SentCallback, second?: SentCallback): boolean {
    this.#use();
    const options = typeof first === 'object' ? first : {};
    const message = messageOf(data, options.binary);
    const sent =
      this.#readyState === ServerWebSocket.OPEN
        ? calls().boundary.socketSend(this.#id, message)
        : Sent.closed;
    this.#called(sent, typeof first === 'function' ? first : second);
    return sent === Sent.taken;
  }

  /** Resolves when more may be sent, or the socket has ended. */
  async drained(): Promise<void> {
    this.#use();
    if (!this.#isFull || this.#readyState === ServerWebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const settle = () => {
        this.off('drain', settle);
        this.off('close', settle);
        resolve();
      };
      this.on('drain', settle);
      this.on('close', settle);
    });
  }

  /** Sends a ping; the event `pong` tells of the answer. Silent clients are pinged without it. */
  ping(data: Sendable = '', _mask?: boolean, callback?: SentCallback): void {
    this.#use();
    const payload = messageOf(data, true) as Uint8Array;
    const sent =
      this.#readyState === ServerWebSocket.OPEN
        ? calls().boundary.socketPing(this.#id, payload)
        : Sent.closed;
    this.#called(sent, callback);
  }

  /**
   * Closes the socket, after what was sent.
   *
   * @param code 1000, 3000 to 4999, or another that may be sent (RFC 6455, section 7.4)
   * @param reason at most 123 bytes
   * @throws RangeError for another code, or a longer reason
   */
  close(code = 1000, reason: string | Uint8Array = ''): void {
    const text = typeof reason === 'string' ? reason : Buffer.from(reason).toString();
    if (!isSendable(code)) throw new RangeError(`A WebSocket cannot be closed with code ${code}.`);
    if (Buffer.byteLength(text) > MAX_REASON) {
      throw new RangeError(`The reason of a close frame has at most ${MAX_REASON} bytes.`);
    }
    this.#use();
    if (this.#readyState !== ServerWebSocket.OPEN) return;
    this.#readyState = ServerWebSocket.CLOSING;
    calls().boundary.socketClose(this.#id, code, text);
  }

  /** Drops the connection; the client sees 1006. */
  terminate(): void {
    this.#use();
    if (this.#readyState === ServerWebSocket.CLOSED) return;
    this.#readyState = ServerWebSocket.CLOSING;
    calls().boundary.socketTerminate(this.#id);
  }

  /** Emits no messages until {@link ServerWebSocket.resume}; the client has to wait. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#flush();
  }

  /**
   * Sends the client what is published on a channel from now on, without JavaScript: texts and JSON as
   * texts, bytes as bytes. A client that reads too slowly is closed as with {@link ServerWebSocket.send}.
   *
   * @throws Error when the socket subscribes to 1,000 channels already
   */
  subscribe(channel: string, { onGap = 'close' }: ChannelOptions = {}): void {
    this.#use();
    if (this.#readyState !== ServerWebSocket.OPEN) return;
    calls().boundary.socketSubscribe(this.#id, channel, onGap === 'close');
  }

  /** Ends {@link ServerWebSocket.subscribe}. */
  unsubscribe(channel: string): void {
    calls().boundary.socketUnsubscribe(this.#id, channel);
  }

  /** Registers a listener as on a WebSocket of a browser. */
  addEventListener<Type extends keyof SocketEventMap>(
    type: Type,
    listener: SocketEventListener<SocketEventMap[Type]>,
    options: { once?: boolean } = {},
  ): void {
    this.#webListeners ??= new WebEventListeners(this);
    this.#webListeners.add(type, listener, options.once === true);
  }

  removeEventListener<Type extends keyof SocketEventMap>(
    type: Type,
    listener: SocketEventListener<SocketEventMap[Type]>,
  ): void {
    this.#webListeners?.remove(type, listener);
  }

  /**
   * The messages, until the socket ends; bytes are Buffers. The client has to wait while nobody asks for
   * the next one.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Buffer, void, undefined> {
    this.#use();
    this.#isIterated = true;
    try {
      for (;;) {
        const message = await this.#inbox.take();
        if (message === undefined) return;
        yield typeof message === 'string' ? message : bufferOf(message);
      }
    } finally {
      this.#isIterated = false;
    }
  }

  /** A listener that is async has failed. @internal */
  override [EventEmitter.captureRejectionSymbol](error: Error, ..._rest: unknown[]): void {
    this.fail(error);
  }

  /** Runs listeners with this from now on. @internal */
  runIn(run: (emit: () => void) => void): void {
    this.#run = run;
  }

  /** The handler failed. @internal */
  fail(error: unknown): void {
    console.error(`next-puff: the handler ${this.#name} failed:`, error);
    if (this.#readyState === ServerWebSocket.OPEN) this.close(1011, 'Internal error');
  }

  /** The handshake was refused. @internal */
  refused(): void {
    this.#readyState = ServerWebSocket.CLOSED;
  }

  /** The handler has returned: what nobody listens to then is not kept. @internal */
  settled(): void {
    this.#awaitsListener = false;
    if (this.listenerCount('message') === 0 && !this.#isIterated) this.#inbox.clear();
  }

  /** A message came. @internal */
  received(message: SocketMessage, cost: number): void {
    const isOpen = this.#readyState === ServerWebSocket.OPEN;
    const hasListener = this.listenerCount('message') > 0;
    if (isOpen && hasListener && !this.#isPaused && this.#inbox.isEmpty) {
      this.#read(cost);
      this.#emitMessage(message);
    } else if (isOpen && (hasListener || this.#isIterated || this.#awaitsListener)) {
      this.#inbox.put(message, cost);
    } else {
      this.#read(cost);
    }
  }

  /** It has ended. @internal */
  ended(code: number, reason: string, isClean: boolean): void {
    this.#readyState = ServerWebSocket.CLOSED;
    this.#isClean = isClean;
    this.#isFull = false;
    this.#inbox.end();
    this.#emit(() => this.emit('close', code, reason));
  }

  /** What was sent has gone out. @internal */
  wentOut(): void {
    this.#isFull = false;
    this.#emit(() => this.emit('drain'));
  }

  /** The answer to a ping came. @internal */
  ponged(payload: Uint8Array): void {
    this.#emit(() => this.emit('pong', bufferOf(payload)));
  }

  /** Somebody begins to listen. @internal */
  listened(event: string | symbol): void {
    this.#use();
    // The listener itself is added after this.
    if (event === 'message' && !this.#inbox.isEmpty) process.nextTick(() => this.#flush());
  }

  /** Answers the handshake, as whoever uses a socket expects it. */
  #use(): void {
    if (this.#readyState === ServerWebSocket.CONNECTING) this.accept();
  }

  #flush(): void {
    while (!this.#isPaused && this.listenerCount('message') > 0) {
      const message = this.#inbox.shift();
      if (message === undefined) return;
      this.#emitMessage(message);
    }
  }

  #emitMessage(message: SocketMessage): void {
    const isBinary = typeof message !== 'string';
    const data = isBinary ? this.#binary(message) : message;
    this.#emit(() => this.emit('message', data, isBinary));
  }

  #binary(bytes: Uint8Array): Buffer | ArrayBuffer {
    if (this.binaryType === 'nodebuffer') return bufferOf(bytes);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  #emit(emit: () => void): void {
    try {
      this.#run(emit);
    } catch (error) {
      this.fail(error);
    }
  }

  #called(sent: number, callback: SentCallback | undefined): void {
    if (sent === Sent.full) this.#isFull = true;
    if (callback === undefined) return;
    const error = sent === Sent.closed ? new Error('The WebSocket is closed.') : undefined;
    process.nextTick(callback, error);
  }

  #read(cost: number): void {
    this.#unreported += cost;
    if (this.#unreported < READ_STEP) return;
    readMessages(this.#id, this.#unreported);
    this.#unreported = 0;
  }
}

/** One function for all sockets: there may be many. */
function onNewListener(this: ServerWebSocket, event: string | symbol): void {
  this.listened(event);
}

function messageOf(data: Sendable, isBinary: boolean | undefined): string | Uint8Array {
  if (typeof data === 'string' || typeof data === 'number') {
    return isBinary === true ? Buffer.from(String(data)) : String(data);
  }
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return isBinary === false ? bufferOf(bytes).toString() : bytes;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}
