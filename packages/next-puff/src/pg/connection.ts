import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { parse, serialize } from 'pg-protocol';
import { calls } from '../boundary/calls.js';
import { errorOf } from './errors.js';

type Message = { name: string; [field: string]: unknown };

interface Bind {
  portal?: string;
  statement?: string;
  binary?: boolean;
  values?: unknown[];
  valueMapper?: (value: unknown) => unknown;
}

/** What takes the bytes of {@link Connection}, and gets it more. */
interface Wire {
  /** Asks for the connection's end. */
  end(): void;
  /** The session whose connection is spoken to; 0 when there is none. */
  readonly session: number;
  /** The exchange is over: the server is ready for the next query. */
  onExchangeEnd(): void;
  /** The connection broke during the exchange. */
  onExchangeFailure(error: Error): void;
}

/**
 * The protocol as node-postgres' `Connection` offers it to queries that speak it themselves
 * (pg-cursor, pg-query-stream, pg-copy-streams): methods for the messages to the server, events for
 * those from it.
 *
 * Its socket is the native core's: what is written here goes there, and only while such a query has
 * the client.
 */
export class Connection extends EventEmitter {
  readonly stream: Duplex;
  /** Statements that were parsed under a name; of use to what looks for them here. */
  readonly parsedStatements: Record<string, string> = {};
  readonly submittedNamedStatements: Record<string, string> = {};
  readonly #wire: Wire;
  #isInExchange = false;
  #call = 0;

  constructor(wire: Wire) {
    super();
    this.#wire = wire;
    this.stream = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, done) => {
        this.#write(chunk);
        done();
      },
      writev: (chunks, done) => {
        this.#write(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)));
        done();
      },
    });
    void parse(this.stream, (message) => this.#receive(message as unknown as Message));
  }

  parse(statement: { name?: string; text: string; types?: number[] }): void {
    this._send(serialize.parse(statement));
  }

  bind(config: Bind): void {
    this._send(serialize.bind(config));
  }

  describe(target: { type: 'S' | 'P'; name?: string }): void {
    this._send(serialize.describe(target));
  }

  execute(config: { portal?: string; rows?: number }): void {
    this._send(serialize.execute(config));
  }

  close(target: { type: 'S' | 'P'; name?: string }): void {
    this._send(serialize.close(target));
  }

  query(text: string): void {
    this._send(serialize.query(text));
  }

  flush(): void {
    this._send(serialize.flush());
  }

  sync(): void {
    this._send(serialize.sync());
  }

  sendCopyFromChunk(chunk: Buffer): void {
    this._send(serialize.copyData(chunk));
  }

  endCopyFrom(): void {
    this._send(serialize.copyDone());
  }

  sendCopyFail(reason: string): void {
    this._send(serialize.copyFail(reason));
  }

  end(): void {
    this.#wire.end();
  }

  /** Cancels what the query that speaks has running on the server. */
  cancel(): void {
    if (this.#isInExchange) calls().boundary.cancel(this.#call);
  }

  _send(bytes: Buffer): boolean {
    return this.stream.write(bytes);
  }

  /** The first bytes begin the exchange, those after ReadyForQuery are of no use to anybody. */
  #write(bytes: Buffer): void {
    const { session } = this.#wire;
    if (this.#isInExchange) {
      calls().boundary.postgresRawWrite(session, bytes);
      return;
    }
    if (session === 0) return;
    this.#isInExchange = true;
    calls()
      .submit(
        (boundary, call) => {
          this.#call = call;
          boundary.postgresRaw(call, session, bytes);
        },
        {
          errorOf,
          onPartial: (completion) => {
            if (completion.kind === 'chunk') this.stream.push(completion.bytes);
          },
        },
      )
      // Its regular end is the message ReadyForQuery, which may still be in the stream.
      .catch((error: Error) => {
        this.#isInExchange = false;
        this.#wire.onExchangeFailure(error);
      });
  }

  #receive(message: Message): void {
    this.emit('message', message);
    this.emit(message.name === 'error' ? 'errorMessage' : message.name, message);
    if (message.name === 'readyForQuery') {
      this.#isInExchange = false;
      this.#wire.onExchangeEnd();
    }
  }
}
