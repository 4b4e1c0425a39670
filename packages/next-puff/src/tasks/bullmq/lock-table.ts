import type { Lock } from './leases.js';

/** Locks that the table has room for, and bytes for each. */
const PLACES = 512;
const TEXT_BYTES = 512;

/** Words of a place: its version, and how many bytes its text has (0: it is free). */
const WORDS = 2;

/**
 * Locks in memory that two threads share: one puts and frees them, the other one reads them when it wants to, also while
 * the first one does not turn its event loop.
 *
 * A place's version is odd while it is written. A reader that finds it odd, or changed when it has read, passes over the
 * place: who writes there has only just got or ended the job, and the next reading finds it.
 */
export class LockTable {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #text: Buffer;
  readonly #free: number[] = [];

  /** Of memory of another thread's table, which then only reads. */
  constructor(memory?: SharedArrayBuffer) {
    const textStart = PLACES * WORDS * Int32Array.BYTES_PER_ELEMENT;
    this.memory = memory ?? new SharedArrayBuffer(textStart + PLACES * TEXT_BYTES);
    this.#words = new Int32Array(this.memory, 0, PLACES * WORDS);
    this.#text = Buffer.from(this.memory, textStart);
    if (memory === undefined) for (let place = PLACES; place-- > 0; ) this.#free.push(place);
  }

  /** The place of a lock; nothing if there is no room for it. */
  put({ queue, id, token }: Lock): number | undefined {
    const text = `${queue}\n${id}\n${token}`;
    // A character is three bytes of UTF-8 at most.
    if (text.length * 3 > TEXT_BYTES || text.split('\n').length !== 3) return undefined;
    const place = this.#free.pop();
    if (place === undefined) return undefined;
    const word = place * WORDS;
    Atomics.add(this.#words, word, 1);
    this.#words[word + 1] = this.#text.write(text, place * TEXT_BYTES, 'utf8');
    Atomics.add(this.#words, word, 1);
    return place;
  }

  free(place: number): void {
    const word = place * WORDS;
    Atomics.add(this.#words, word, 1);
    this.#words[word + 1] = 0;
    Atomics.add(this.#words, word, 1);
    this.#free.push(place);
  }

  /** The locks that are in the table. */
  all(): Lock[] {
    const locks: Lock[] = [];
    for (let place = 0; place < PLACES; place++) {
      const lock = this.#read(place);
      if (lock !== undefined) locks.push(lock);
    }
    return locks;
  }

  #read(place: number): Lock | undefined {
    const word = place * WORDS;
    const version = Atomics.load(this.#words, word);
    const length = Atomics.load(this.#words, word + 1);
    if (length === 0 || version % 2 !== 0) return undefined;
    const start = place * TEXT_BYTES;
    const text = this.#text.toString('utf8', start, start + length);
    if (Atomics.load(this.#words, word) !== version) return undefined;
    const [queue = '', id = '', token = ''] = text.split('\n');
    return { queue, id, token };
  }
}
