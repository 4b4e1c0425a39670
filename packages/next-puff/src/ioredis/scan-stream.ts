import { Readable, type ReadableOptions } from 'node:stream';
import type { Callback } from './callbacks.js';

/** What is looked for by a scan. */
export interface ScanStreamOptions extends ReadableOptions {
  match?: string;
  type?: string;
  /** How many keys Redis looks at per step; a hint. */
  count?: number | string;
  noValues?: boolean;
}

type Scan = (args: unknown[], callback: Callback<[string | Buffer, unknown[]]>) => unknown;

/** The keys (or members, or fields) that a SCAN finds, one array per step; the same one may come twice, as from SCAN itself. */
export class ScanStream extends Readable {
  readonly #scan: Scan;
  readonly #key: string | undefined;
  readonly #filter: unknown[] = [];
  #cursor = '0';
  #isDrained = false;

  constructor(scan: Scan, key: string | undefined, options: ScanStreamOptions = {}) {
    const { match, type, count, noValues, ...streamOptions } = options;
    super({ ...streamOptions, objectMode: true });
    this.#scan = scan;
    this.#key = key;
    if (match !== undefined) this.#filter.push('MATCH', match);
    if (type !== undefined) this.#filter.push('TYPE', type);
    if (count !== undefined) this.#filter.push('COUNT', String(count));
    if (noValues) this.#filter.push('NOVALUES');
  }

  override _read(): void {
    if (this.#isDrained) {
      this.push(null);
      return;
    }
    const key = this.#key === undefined ? [] : [this.#key];
    this.#scan([...key, this.#cursor, ...this.#filter], (error, reply) => {
      if (error || !reply) {
        this.destroy(error ?? undefined);
        return;
      }
      this.#cursor = String(reply[0]);
      this.#isDrained ||= this.#cursor === '0';
      this.push(reply[1]);
    });
  }

  /** Ends the stream after the step under way. */
  close(): void {
    this.#isDrained = true;
  }
}
