import { type AskMessage, type AskStart, Documents } from './asks.js';
import type { Failure } from './failures.js';
import { messageListeners, Topic } from './messages.js';
import {
  type ColumnDescription,
  compileDecoder,
  type Decoder,
  type DecoderFactory,
  type RowMode,
} from './rows.js';

/** What a statement gave. */
export interface StatementResult {
  rows: unknown[];
  /** The columns of the rows; none when the statement returns no rows. */
  columns: readonly ColumnDescription[];
  /** Rows selected or changed. */
  rowCount: number;
  /** The first words of the command tag, for example `SELECT` or `CREATE TABLE`. */
  command: string;
  /** Whether a cursor has more rows. */
  isSuspended: boolean;
}

/** What the native core reported of a call. */
export type Completion =
  /** With `isPartial`, the call goes on. */
  | { kind: 'result'; result: StatementResult; isPartial: boolean }
  | { kind: 'failure'; failure: Failure }
  /** A decoder threw. */
  | { kind: 'error'; error: unknown }
  /** `processId` is the server process at the other end. */
  | { kind: 'session'; session: number; processId: number }
  | { kind: 'nothing' }
  /** What the call was answered with, for its caller to read. */
  | { kind: 'text'; text: string }
  /** Something that the server said unasked, as JSON; the call goes on. */
  | { kind: 'event'; json: string }
  /** Bytes of a raw exchange; the call goes on. */
  | { kind: 'chunk'; bytes: Uint8Array }
  | { kind: 'response'; response: NativeResponse }
  /** A question of a GraphQL operation; the call goes on. */
  | { kind: 'ask'; message: AskMessage }
  /** It answered no call; its listener has taken it. */
  | { kind: 'message' };

/** The response to a GraphQL request. */
export interface NativeResponse {
  /** The status code of HTTP; otherwise 0: not executed, 1: executed, 2: executed with errors. */
  status: number;
  /** Of a request over HTTP: names in lower case, and values. */
  headers: [name: string, value: string][];
  /** JSON, or what the headers say. */
  body: Uint8Array<ArrayBuffer>;
  /** Statements that the engine ran. */
  statements: number;
  /** The number of the stream that has the body; 0 for none. */
  stream: number;
}

// What follows mirrors `completion.rs`.
const RESULT = 1;
const FAILURE = 2;
const SESSION = 3;
const EVENT = 5;
const CHUNK = 6;
const RESPONSE = 7;
const ASK = 8;
const MESSAGE = 9;
const DELIVERIES = 10;
const TEXT = 11;
const REPLIES = 12;

const DESCRIBED = 1;
const SUSPENDED = 2;
const DETACHED = 4;
const COMMAND_ATTACHED = 8;
const PARTIAL = 16;
const HEADERS = 32;
const STARTS = 64;
const ROWS = 128;
const STREAMED = 256;
const WITH_TEXT = 1;
const WITH_BYTES = 2;
const COMMAND_SHIFT = 8;
const COMMANDS = ['', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'];
const HEADER = 7;
const NO_COLUMNS: readonly ColumnDescription[] = [];

interface Shape {
  columns: ColumnDescription[];
  object?: Decoder;
  array?: Decoder;
  plain?: Decoder;
}

/**
 * Reads the records of drained inboxes; knows the shapes and the documents that this isolate was told
 * of.
 */
export class CompletionReader {
  readonly #shapes = new Map<number, Shape>();
  readonly #documents = new Documents();
  #words: Int32Array = new Int32Array();
  #attachments: unknown[] = [];
  #at = 0;
  #nextAttachment = 0;

  /** Begins with the first record after a drain. */
  begin(words: Int32Array, attachments: unknown[]): void {
    this.#words = words;
    this.#attachments = attachments;
    this.#at = 2;
    this.#nextAttachment = 0;
  }

  /** The id of the call that the next record answers. */
  get call(): number {
    return (this.#words[this.#at] as number) >>> 0;
  }

  /** Reads a record; rows become what `decoding` says. Never throws: the next record must be found. */
  read(decoding: RowMode | DecoderFactory): Completion {
    const words = this.#words;
    const at = this.#at;
    this.#at += HEADER;
    switch (words[at + 1]) {
      case RESULT:
        return this.#readResult(at, decoding);
      case FAILURE:
        return { kind: 'failure', failure: JSON.parse(this.#attachment() as string) };
      case SESSION:
        return {
          kind: 'session',
          session: (words[at + 2] as number) >>> 0,
          processId: words[at + 3] as number,
        };
      case EVENT:
        return { kind: 'event', json: this.#attachment() as string };
      case CHUNK:
        return { kind: 'chunk', bytes: this.#attachment() as Uint8Array };
      case RESPONSE:
        return this.#readResponse(at);
      case ASK:
        return this.#readAsk(at, decoding);
      case MESSAGE:
        return this.#readMessage(at);
      case DELIVERIES:
        return this.#readDeliveries(at);
      case TEXT:
        return { kind: 'text', text: this.#attachment() as string };
      case REPLIES:
        return this.#readReplies(at);
      default:
        return { kind: 'nothing' };
    }
  }

  #attachment(): unknown {
    return this.#attachments[this.#nextAttachment++];
  }

  #readMessage(at: number): Completion {
    const words = this.#words;
    const end = this.#nextAttachment + (words[at + 5] as number);
    const attachments = this.#attachments.slice(this.#nextAttachment, end);
    this.#nextAttachment = end;
    const id = (words[at] as number) >>> 0;
    const listener = messageListeners[words[at + 2] as number];
    listener?.(id, words[at + 3] as number, words[at + 4] as number, attachments);
    return { kind: 'message' };
  }

  #readDeliveries(at: number): Completion {
    const words = this.#words;
    const flags = words[at + 5] as number;
    const text = flags & WITH_TEXT ? this.#attachment() : '';
    const bytes = flags & WITH_BYTES ? this.#attachment() : undefined;
    const begin = this.#at;
    this.#at += words[at + 6] as number;
    messageListeners[Topic.pubsub]?.(0, words[at + 2] as number, begin, [words, text, bytes]);
    return { kind: 'message' };
  }

  #readReplies(at: number): Completion {
    const words = this.#words;
    const flags = words[at + 5] as number;
    const isDetached = (flags & DETACHED) !== 0;
    const body = isDetached ? this.#attachment() : words;
    const begin = isDetached ? 0 : this.#at;
    if (!isDetached) this.#at += words[at + 6] as number;
    const text = flags & WITH_TEXT ? this.#attachment() : '';
    const bytes = flags & WITH_BYTES ? this.#attachment() : undefined;
    const id = (words[at] as number) >>> 0;
    messageListeners[Topic.redis]?.(id, words[at + 2] as number, begin, [body, text, bytes]);
    return { kind: 'message' };
  }

  #readResponse(at: number): Completion {
    const words = this.#words;
    const flags = words[at + 5] as number;
    const headers = flags & HEADERS ? JSON.parse(this.#attachment() as string) : [];
    const stream = flags & STREAMED ? (this.#attachment() as number) : 0;
    const length = words[at + 4] as number;
    let body: Uint8Array<ArrayBuffer>;
    if (flags & DETACHED) {
      body = this.#attachment() as Uint8Array<ArrayBuffer>;
    } else {
      body = new Uint8Array(length);
      body.set(new Uint8Array(words.buffer, words.byteOffset + this.#at * 4, length));
      this.#at += words[at + 6] as number;
    }
    const status = words[at + 2] as number;
    const response = { status, headers, body, statements: words[at + 3] as number, stream };
    return { kind: 'response', response };
  }

  #readAsk(at: number, decoding: RowMode | DecoderFactory): Completion {
    const flags = this.#words[at + 5] as number;
    const message: AskMessage = { header: JSON.parse(this.#attachment() as string), rows: [] };
    if (flags & STARTS) {
      const start: AskStart = JSON.parse(this.#attachment() as string);
      this.#documents.read(start, message);
    }
    if (flags & ROWS) {
      const completion = this.#readResult(at, decoding);
      if (completion.kind !== 'result') return completion;
      message.rows = completion.result.rows;
    }
    return { kind: 'ask', message };
  }

  #readResult(at: number, decoding: RowMode | DecoderFactory): Completion {
    const words = this.#words;
    const flags = words[at + 5] as number;
    const low = (words[at + 2] as number) >>> 0;
    const high = words[at + 3] as number;
    const result: StatementResult = {
      rows: [],
      columns: NO_COLUMNS,
      rowCount: high === 0 ? low : high * 0x1_0000_0000 + low,
      command:
        flags & COMMAND_ATTACHED
          ? (this.#attachment() as string)
          : (COMMANDS[flags >> COMMAND_SHIFT] as string),
      isSuspended: (flags & SUSPENDED) !== 0,
    };
    const isPartial = (flags & PARTIAL) !== 0;
    const shape = this.#shape(words[at + 4] as number, flags);
    if (shape !== undefined) result.columns = shape.columns;
    const length = words[at + 6] as number;
    if (length === 0) return { kind: 'result', result, isPartial };

    const isDetached = (flags & DETACHED) !== 0;
    const body = isDetached ? (this.#attachment() as Int32Array) : words;
    const begin = isDetached ? 0 : this.#at;
    if (!isDetached) this.#at += length;
    const end = begin + length;
    const firstText = this.#nextAttachment;
    for (let chunk = begin; chunk < end; chunk += 2 + (body[chunk + 1] as number)) {
      this.#nextAttachment++;
    }
    try {
      const decode = decoderOf(shape as Shape, decoding);
      let text = firstText;
      for (let chunk = begin; chunk < end; chunk += 2 + (body[chunk + 1] as number)) {
        const characters = this.#attachments[text++] as string;
        decode(result.rows, body, chunk + 2, body[chunk] as number, characters);
      }
    } catch (error) {
      return { kind: 'error', error };
    }
    return { kind: 'result', result, isPartial };
  }

  #shape(id: number, flags: number): Shape | undefined {
    if ((flags & DESCRIBED) === 0) return this.#shapes.get(id);
    const shape: Shape = { columns: JSON.parse(this.#attachment() as string) };
    // Shapes with id 0 are not shared: there are too many of them.
    if (id !== 0) this.#shapes.set(id, shape);
    return shape;
  }
}

function decoderOf(shape: Shape, mode: RowMode | DecoderFactory): Decoder {
  if (typeof mode === 'function') return mode(shape.columns);
  shape[mode] ??= compileDecoder(shape.columns, mode);
  return shape[mode];
}
