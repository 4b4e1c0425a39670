import type { IRedisClient } from 'bullmq';
import { defineScripts, runScript } from './scripts.js';

/** How long a read waits for entries. */
const BLOCK_MS = 5_000;
const RETRY_MS = 250;
const BATCH = 1_000;

/** Reads what is appended to a stream from now on, on a connection of its own. */
export class StreamReader {
  readonly #client: IRedisClient;
  readonly #key: string;
  readonly #onEntry: (fields: Map<string, string>) => void;
  /** Resolves once nothing that is appended later can be missed. */
  readonly ready: Promise<void>;
  #isClosed = false;

  /** `client` is duplicated. */
  constructor(client: IRedisClient, key: string, onEntry: (fields: Map<string, string>) => void) {
    this.#client = client.duplicate();
    this.#client.on('error', () => {});
    defineScripts(this.#client);
    this.#key = key;
    this.#onEntry = onEntry;
    this.ready = new Promise((resolve) => void this.#read(resolve));
  }

  async #read(onReady: () => void): Promise<void> {
    let last: string | undefined;
    while (!this.#isClosed) {
      try {
        if (last === undefined) {
          last = (await runScript(this.#client, 'puffLastEntry', [this.#key], [])) as string;
          onReady();
        }
        const answer = (await this.#client.xread([{ key: this.#key, id: last }], {
          BLOCK: BLOCK_MS,
          COUNT: BATCH,
        })) as [string, [string, string[]][]][] | null;
        for (const [id, flat] of answer?.[0]?.[1] ?? []) {
          last = id;
          const fields = new Map<string, string>();
          for (let i = 0; i + 1 < flat.length; i += 2) {
            fields.set(flat[i] as string, flat[i + 1] as string);
          }
          this.#onEntry(fields);
        }
      } catch {
        // The connection is down: it comes back by itself, and reading goes on where it was.
        if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    onReady();
  }

  close(): void {
    this.#isClosed = true;
    this.#client.disconnect();
  }
}
