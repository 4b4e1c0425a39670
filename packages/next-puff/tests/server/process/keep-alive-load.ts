import { headerOf, NoResponse, RawConnection } from '../support/raw-http';

/** What became of the requests of a load. */
export interface Outcome {
  /** Answered as they should be. */
  answered: number;
  /** Sent, and not answered so. */
  lost: string[];
}

/**
 * Clients that send one request after the other over connections that are kept alive, until nobody
 * listens any more.
 */
export class KeepAliveLoad {
  readonly #port: number;
  readonly #outcome: Outcome = { answered: 0, lost: [] };
  readonly #clients: Promise<void>[];

  constructor(address: string, path: string, clients: number) {
    this.#port = Number(new URL(address).port);
    this.#clients = Array.from({ length: clients }, () => this.#run(path));
  }

  get answered(): number {
    return this.#outcome.answered;
  }

  /** Resolves when no client can connect any more. */
  async ended(): Promise<Outcome> {
    await Promise.all(this.#clients);
    return this.#outcome;
  }

  async #run(path: string): Promise<void> {
    for (;;) {
      const connection = await RawConnection.open(this.#port).catch(() => undefined);
      if (connection === undefined) return;
      while (await this.#ask(connection, path));
      connection.close();
    }
  }

  /** Sends a request; false when the connection is to be used no more. */
  async #ask(connection: RawConnection, path: string): Promise<boolean> {
    await connection.send(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    try {
      const { status, headers, body, isComplete } = await connection.receive();
      if (status === 200 && isComplete && body.toString() === 'at last') this.#outcome.answered++;
      else this.#outcome.lost.push(`${status}, complete: ${isComplete}: ${body}`);
      return headerOf(headers, 'connection') !== 'close';
    } catch (error) {
      if (!(error instanceof NoResponse)) throw error;
      this.#outcome.lost.push(error.message);
      return false;
    }
  }
}
