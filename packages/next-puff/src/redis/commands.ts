import { PuffError } from '../errors.js';

/** What an argument of a command can be; a number is written in decimal. */
export type RedisArgument = string | Uint8Array | number;

/** What is kept between batches; a larger one is given up after its use. */
const KEPT_BYTES = 64 * 1024;

/** Longer strings are written by the runtime, whose call costs more than a few characters. */
const SHORT = 24;

const CR = 13;
const LF = 10;
const ZERO = 48;

/** Writes commands as RESP into one buffer, which is used again for every batch. */
export class CommandWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(KEPT_BYTES);
  /** Bytes that were written. */
  length = 0;

  /** Begins anew. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(KEPT_BYTES);
  }

  /**
   * Writes a command.
   *
   * @throws {PuffError} `PUFF_REDIS_ARGUMENT`, and nothing is written
   */
  write(args: readonly RedisArgument[]): void {
    const begin = this.length;
    try {
      this.#head(42, args.length);
      for (let i = 0; i < args.length; i++) {
        const arg = args[i];
        if (typeof arg === 'string') this.#string(arg);
        else if (typeof arg === 'number') this.#string(String(arg));
        else if (ArrayBuffer.isView(arg)) this.#bytes(arg);
        else throw badArgument(args, i);
      }
    } catch (error) {
      this.length = begin;
      throw error;
    }
  }

  #string(text: string): void {
    const { length } = text;
    if (length > SHORT) {
      this.#long(text);
      return;
    }
    this.#room(length + 8);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 36;
    if (length > 9) bytes[at++] = ZERO + Math.trunc(length / 10);
    bytes[at++] = ZERO + (length % 10);
    bytes[at++] = CR;
    bytes[at++] = LF;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.#long(text);
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  #long(text: string): void {
    const length = Buffer.byteLength(text);
    this.#head(36, length);
    this.#room(length + 2);
    this.length += this.bytes.write(text, this.length);
    this.#lineEnd();
  }

  #bytes(view: ArrayBufferView): void {
    const length = view.byteLength;
    this.#head(36, length);
    this.#room(length + 2);
    this.bytes.set(new Uint8Array(view.buffer, view.byteOffset, length), this.length);
    this.length += length;
    this.#lineEnd();
  }

  #head(mark: number, count: number): void {
    this.#room(16);
    const { bytes } = this;
    bytes[this.length++] = mark;
    if (count < 10) {
      bytes[this.length++] = ZERO + count;
    } else {
      const digits = String(count);
      for (let i = 0; i < digits.length; i++) bytes[this.length++] = digits.charCodeAt(i);
    }
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.bytes[this.length++] = CR;
    this.bytes[this.length++] = LF;
  }

  #room(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

function badArgument(args: readonly unknown[], index: number): PuffError {
  const value = args[index];
  const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return new PuffError(
    'PUFF_REDIS_ARGUMENT',
    `Argument ${index} of the Redis command ${String(args[0])} is ${kind}.`,
    {
      operation: 'redis',
      hint: 'Redis takes strings, numbers and Uint8Arrays: use JSON.stringify for objects.',
    },
  );
}
