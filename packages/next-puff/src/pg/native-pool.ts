import { randomUUID } from 'node:crypto';
import { calls } from '../boundary/calls.js';
import { errorOfThrown } from '../boundary/failures.js';
import { InternalError } from '../errors.js';
import { loadNative, type PoolStatus } from '../native.js';
import { errorOf } from './errors.js';
import { isCancellable } from './run-query.js';

/** A connection that was checked out of the native pool. */
export interface Session {
  id: number;
  /** Of the server process at the other end. */
  processId: number;
  /** The id that its events are listened for with; see `Calls.listen`. */
  events: number;
}

/** A pool of the native core that nobody else has. */
export class NativePool {
  readonly id: number;

  /** Makes it; connects to nothing. */
  constructor(options: Record<string, unknown>) {
    try {
      this.id = loadNative().postgresPool(`pg-${randomUUID()}`, JSON.stringify(options));
    } catch (error) {
      throw errorOfThrown(error);
    }
  }

  get status(): PoolStatus {
    return loadNative().postgresPoolStatus(this.id);
  }

  /** The password of the connections to come. */
  set password(password: string | null | undefined) {
    loadNative().postgresSetPassword(this.id, password ?? null);
  }

  /** Checks a connection out; `onEvent` hears of it until {@link stopListening}, also afterwards. */
  async checkOut(
    onEvent: (json: string) => void,
    signals: readonly AbortSignal[],
  ): Promise<Session> {
    const events = calls().listen(onEvent);
    try {
      const completion = await calls().submit(
        (boundary, call) =>
          boundary.postgresBegin(call, this.id, '', events, isCancellable(signals)),
        { signals, errorOf },
      );
      if (completion.kind !== 'session') {
        throw new InternalError(`The native core answered with ${completion.kind}.`);
      }
      return { id: completion.session, processId: completion.processId, events };
    } catch (error) {
      stopListening(events);
      throw error;
    }
  }

  /** Closes it; resolves when its last connection has ended. */
  async close(): Promise<void> {
    await calls().submit((boundary, call) => boundary.postgresClosePool(call, this.id));
  }
}

/** Gives a session's connection back; an open transaction is rolled back. */
export function release(session: number): void {
  calls().boundary.postgresRelease(session);
}

/** Closes a session's connection. */
export function destroy(session: number): void {
  calls().boundary.postgresDestroy(session);
}

/** The transaction status of a session's last answer: `I`, `T` or `E`. */
export function transactionStatus(session: number): string | null {
  return calls().boundary.postgresTransactionStatus(session);
}

/** Ends the listening that {@link NativePool.checkOut} began. */
export function stopListening(events: number): void {
  calls().unlisten(events);
}
