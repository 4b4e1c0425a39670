import { Duplex } from 'node:stream';
import type { Boundary } from '../../native.js';
import { type NativeRequest, Written } from '../native-server.js';

type Callback = (error?: Error | null) => void;

/** Longest head of an answer; Node's own clients take no more. */
const HEAD_LIMIT = 16 * 1024;
const HEAD_END = '\r\n\r\n';
const SWITCHING_PROTOCOLS = 101;

/**
 * A connection that asks for another protocol, as listeners of Node's event `upgrade` get it: whoever
 * takes it writes the head of the answer as bytes, then speaks with the client.
 *
 * The head is read here and crosses as one, so that the native server knows what became of the
 * request. An answer other than 101 is a usual one, whose end closes the connection.
 */
export class TunnelSocket extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly encrypted: true | undefined;

  readonly #boundary: Boundary;
  readonly #exchange: number;
  /** What was written of a head that is not complete. */
  #head: Buffer | undefined = Buffer.alloc(0);
  #isTaken = false;
  #isOver = false;
  /** Waits until what was written has gone out. */
  #written: Callback | undefined;
  /** Bytes that nobody has read yet. */
  #unread = 0;

  constructor(boundary: Boundary, request: NativeRequest) {
    super({ allowHalfOpen: true });
    this.#boundary = boundary;
    this.#exchange = request.id;
    this.remoteAddress = request.remoteAddress || undefined;
    this.remotePort = request.remotePort || undefined;
    this.encrypted = request.isEncrypted || undefined;
  }

  /** Whether somebody has written to it, or set it up to do so. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Takes what the client has sent. */
  receive(bytes: Uint8Array): void {
    if (this.push(bytes)) this.#boundary.serverRead(this.#exchange, bytes.length);
    else this.#unread += bytes.length;
  }

  /** The client sends no more. */
  receiveEnd(): void {
    this.push(null);
  }

  /** What was written has gone out. */
  drained(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  /** The connection is gone. */
  disconnect(): void {
    this.#isOver = true;
    this.destroy();
  }

  // The native server sets its sockets up itself. Whoever calls these is about to use this one.
  setTimeout(): this {
    this.#isTaken = true;
    return this;
  }

  setNoDelay(): this {
    this.#isTaken = true;
    return this;
  }

  setKeepAlive(): this {
    this.#isTaken = true;
    return this;
  }

  override _read(): void {
    if (this.#unread === 0) return;
    const bytes = this.#unread;
    this.#unread = 0;
    this.#boundary.serverRead(this.#exchange, bytes);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#isTaken = true;
    try {
      this.#wait(this.#head === undefined ? this.#send(chunk) : this.#readHead(chunk), callback);
    } catch (error) {
      callback(error as Error);
    }
  }

  override _final(callback: Callback): void {
    if (this.#head === undefined) {
      this.#boundary.serverEnd(this.#exchange);
    } else {
      // Ended without an answer: nothing here speaks that protocol.
      const fields = 'content-type\0text/plain; charset=utf-8\0connection\0close';
      this.#boundary.serverRespond(this.#exchange, 404, undefined, fields, 'Not Found', true);
    }
    this.#isOver = true;
    callback();
    // The native server closes the connection once everything has gone out.
    process.nextTick(() => this.destroy());
  }

  override _destroy(error: Error | null, callback: Callback): void {
    if (!this.#isOver) this.#boundary.serverAbort(this.#exchange);
    this.#isOver = true;
    this.drained();
    callback(error);
  }

  #wait(written: number, callback: Callback): void {
    if (written === Written.full) this.#written = callback;
    else callback();
  }

  #send(bytes: Uint8Array): number {
    return this.#boundary.serverWrite(this.#exchange, bytes);
  }

  #readHead(chunk: Buffer): number {
    const bytes = Buffer.concat([this.#head as Buffer, chunk]);
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) {
      if (bytes.length > HEAD_LIMIT)
        throw new Error('The answer to an upgrade has no end of head.');
      this.#head = bytes;
      return Written.taken;
    }
    this.#head = undefined;
    const { status, reason, fields } = parseHead(bytes.toString('latin1', 0, end));
    const rest = bytes.subarray(end + HEAD_END.length);
    const body = rest.length > 0 ? rest : undefined;
    return this.#boundary.serverRespond(this.#exchange, status, reason, fields, body, false);
  }
}

/** Reads a status line and header lines; the fields are names and values, divided by NUL. */
function parseHead(head: string): { status: number; reason: string | undefined; fields: string } {
  const [statusLine = '', ...lines] = head.split('\r\n');
  const [, status, reason] = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine) ?? [];
  if (status === undefined) throw new Error('The answer to an upgrade has no status line.');
  const fields: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error('The answer to an upgrade has a header line without a name.');
    const name = line.slice(0, colon);
    // How the body of a refusal is sent is the native server's business.
    if (Number(status) !== SWITCHING_PROTOCOLS && /^transfer-encoding$/i.test(name)) continue;
    fields.push(name, line.slice(colon + 1).trim());
  }
  return { status: Number(status), reason: reason || undefined, fields: fields.join('\0') };
}
