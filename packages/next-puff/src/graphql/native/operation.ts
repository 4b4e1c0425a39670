import type { AskMessage } from '../../boundary/asks.js';
import { calls } from '../../boundary/calls.js';
import type { Completion } from '../../boundary/completions.js';
import { InternalError } from '../../errors.js';
import { Transaction } from '../../postgres/transaction.js';
import type { Answer, Ask, AskHandler, OperationStart } from './protocol.js';

/** A failure of a statement whose message clients do not see. */
export interface ReportedFailure {
  /** The field as `Type.field`. */
  coordinate: string;
  failure: { code: string; message: string; extensions: { [name: string]: unknown } };
}

/** Takes what an operation has to say beside its response. Must not throw. */
export interface OperationListener {
  onAsk: AskHandler;
  onReport: (report: ReportedFailure) => void;
}

type Header = { kind: 'report' } & ReportedFailure;
type AskHeader = Omit<Ask, 'operation' | 'start' | 'transaction'> & { hasTransaction: boolean };

/** Answers an ask; one of an operation that is over is left alone. */
export function answerAsk(ask: number, answer: Answer): void {
  calls().boundary.graphqlAnswer(ask, JSON.stringify(answer));
}

/** One operation, as the isolate that started it sees it: its asks and its transaction. */
export class NativeOperation {
  readonly #pool: number;
  readonly #signals: readonly AbortSignal[];
  readonly #listener: OperationListener;
  /** The id of the call that started it. */
  #id = 0;
  #transaction: Transaction | undefined;

  constructor(pool: number, signals: readonly AbortSignal[], listener: OperationListener) {
    this.#pool = pool;
    this.#signals = signals;
    this.#listener = listener;
  }

  /** Tells the id of the call that starts it. */
  begin(id: number): void {
    this.#id = id;
  }

  /** Takes what comes before the response. Never throws. */
  readonly take = (completion: Completion): void => {
    if (completion.kind !== 'ask') return;
    const header = completion.message.header as Header | AskHeader;
    if (header.kind === 'report') this.#listener.onReport(header as ReportedFailure);
    else this.#ask(header as AskHeader, completion.message);
  };

  /** The operation is over: statements of resolvers that still run fail. */
  end(): void {
    this.#transaction?.leave();
  }

  #ask(header: AskHeader, { start, rows }: AskMessage): void {
    // The header was parsed for this call alone: copying it would only take time.
    const ask = Object.assign(header, {
      rows,
      operation: this.#id,
      transaction: header.hasTransaction ? this.#borrowed() : undefined,
    }) as unknown as Ask;
    if (start !== undefined) ask.start = start as OperationStart;
    try {
      this.#listener.onAsk(ask);
    } catch (error) {
      const message = `An ask was not answered: ${error}`;
      answerAsk(ask.ask, { failure: { message, code: 'PUFF_INTERNAL' } });
    }
  }

  /** The operation's transaction; its first statement in either world begins it. */
  #borrowed(): Transaction {
    this.#transaction ??= Transaction.borrow(async () => {
      const completion = await calls().submit((boundary, call) =>
        boundary.graphqlSession(call, this.#id),
      );
      if (completion.kind !== 'session') {
        throw new InternalError(`The native core answered with ${completion.kind}.`);
      }
      return { pool: this.#pool, session: completion.session };
    }, this.#signals);
    return this.#transaction;
  }
}
