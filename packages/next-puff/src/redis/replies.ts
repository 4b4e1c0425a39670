import { RedisReplyError } from '../errors.js';

/** What Redis answers; a `Map` comes of RESP3 only, a `bigint` where a number would lose digits. */
export type RedisReply =
  | null
  | number
  | bigint
  | string
  | Buffer
  | boolean
  | RedisReply[]
  | Map<RedisReply, RedisReply>
  | RedisReplyError;

// What follows mirrors `packed.rs`.
const STRING = 1;
const BYTES = 2;
const SMALL = 3;
const INTEGER = 4;
const LIST = 5;
const MAP = 6;
const DOUBLE = 7;
const BOOLEAN = 8;
const BIG = 9;
const ERROR = 10;
const OK = 11;
const FAILURE = 12;
const PUSH = 13;
const STATE = 14;

/** Who hears of the events of a record. Must not throw. */
export interface ReplyListener {
  reply(reply: RedisReply): void;
  /** The next commands failed, as the JSON says. */
  failure(json: string, commands: number): void;
  push(push: RedisReply[]): void;
  /** News of the connection. */
  news(json: string): void;
}

const doubles = new Float64Array(1);
const halves = new Int32Array(doubles.buffer);

/** Reads records of replies; one is enough for all. */
export class ReplyReader {
  #words: Int32Array = halves;
  #text = '';
  #bytes: Uint8Array | undefined;
  #at = 0;
  #textAt = 0;
  #bytesAt = 0;

  /** Reads `events` events that begin at `at`. */
  read(
    events: number,
    at: number,
    words: Int32Array,
    text: string,
    bytes: Uint8Array | undefined,
    listener: ReplyListener,
  ): void {
    this.#words = words;
    this.#text = text;
    this.#bytes = bytes;
    this.#at = at;
    this.#textAt = 0;
    this.#bytesAt = 0;
    for (let left = events; left > 0; left--) {
      switch ((words[this.#at] as number) & 15) {
        case FAILURE: {
          const json = this.#string((words[this.#at++] as number) >>> 4);
          listener.failure(json, words[this.#at++] as number);
          break;
        }
        case PUSH:
          this.#at++;
          listener.push(this.#value() as RedisReply[]);
          break;
        case STATE:
          listener.news(this.#string((words[this.#at++] as number) >>> 4));
          break;
        default:
          listener.reply(this.#value());
      }
    }
    this.#text = '';
    this.#bytes = undefined;
  }

  #string(length: number): string {
    const begin = this.#textAt;
    this.#textAt = begin + length;
    return this.#text.slice(begin, this.#textAt);
  }

  #buffer(length: number): Buffer {
    const bytes = this.#bytes;
    if (bytes === undefined) return Buffer.alloc(0);
    const begin = bytes.byteOffset + this.#bytesAt;
    this.#bytesAt += length;
    const view = Buffer.from(bytes.buffer, begin, length);
    // A view of a part would keep all of it.
    return length * 2 > bytes.length ? view : Buffer.from(view);
  }

  #value(): RedisReply {
    const words = this.#words;
    const word = words[this.#at++] as number;
    const length = word >>> 4;
    switch (word & 15) {
      case STRING:
        return this.#string(length);
      case OK:
        return 'OK';
      case SMALL:
        return word >> 4;
      case BYTES:
        return this.#buffer(length);
      case INTEGER: {
        const low = (words[this.#at++] as number) >>> 0;
        const high = words[this.#at++] as number;
        const value = high * 0x1_0000_0000 + low;
        return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
      }
      case LIST: {
        const list: RedisReply[] = [];
        for (let i = 0; i < length; i++) list.push(this.#value());
        return list;
      }
      case MAP: {
        const map = new Map<RedisReply, RedisReply>();
        for (let i = 0; i < length; i++) {
          const key = this.#value();
          map.set(key, this.#value());
        }
        return map;
      }
      case DOUBLE:
        halves[0] = words[this.#at++] as number;
        halves[1] = words[this.#at++] as number;
        return doubles[0] as number;
      case BOOLEAN:
        return length === 1;
      case BIG:
        return BigInt(this.#string(length));
      case ERROR:
        return new RedisReplyError(this.#string(length));
      default:
        return null;
    }
  }
}
