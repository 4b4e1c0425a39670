import { AsyncResource } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import { runForClient } from '../../context/client-connection.cjs';
import type { Boundary } from '../../native.js';
import type { NativeRequest } from '../native-server.js';
import { AnswerWriter } from './answer-writer.js';
import { ClientSocket } from './client-socket.js';
import { IncomingRequest } from './incoming-request.js';
import { OutgoingResponse } from './outgoing-response.js';

/** Takes what happens to one exchange with a client. */
export interface ExchangeEvents {
  body(bytes: Uint8Array): void;
  bodyEnd(isCutOff: boolean): void;
  closed(): void;
  drained(): void;
}

/** What an exchange belongs to. */
export interface ExchangeOwner {
  readonly boundary: Boundary;
  /** Stands for the native server where Node and programs expect one. */
  readonly server: Server;
  /** The exchange is over. */
  forget(id: number): void;
}

const started = channel('http.server.request.start');
const finished = channel('http.server.response.finish');

/** A request and its response in the shape of `node:http`. */
export class NodeExchange extends AsyncResource implements ExchangeEvents {
  readonly request: IncomingRequest;
  readonly response: OutgoingResponse;
  readonly #owner: ExchangeOwner;
  readonly #id: number;
  readonly #writer: AnswerWriter;
  readonly #socket: ClientSocket;

  constructor(owner: ExchangeOwner, request: NativeRequest) {
    super('NEXTPUFFEXCHANGE');
    this.#owner = owner;
    this.#id = request.id;
    this.#writer = new AnswerWriter(owner.boundary, request.id, () => this.response.settled());
    this.#socket = new ClientSocket(owner.server, request, this.#writer);
    this.#socket.on('close', () => this.#disconnected());
    this.#socket.on('timeout', () => this.#timedOut());
    this.request = new IncomingRequest(owner.boundary, request, this.#socket);
    this.response = new OutgoingResponse(this.request, this.#socket, this.#writer, () =>
      this.#answered(),
    );
  }

  /** Has a listener answer the request, in an async context of its own. */
  run(listener: (request: IncomingRequest, response: OutgoingResponse) => void): void {
    const { request, response } = this;
    this.runInAsyncScope(() => {
      // As Node does it: subscribers may enter a context for all that the request causes.
      if (started.hasSubscribers) started.publish(this.#message());
      runForClient({ server: this.#owner.server, request, response }, () =>
        listener(request, response),
      );
    });
  }

  body(bytes: Uint8Array): void {
    this.runInAsyncScope(() => {
      this.#socket.restartTimeout();
      this.request.receive(bytes);
    });
  }

  bodyEnd(isCutOff: boolean): void {
    this.runInAsyncScope(() => {
      if (isCutOff) this.request.cutOff();
      else this.request.receiveEnd();
    });
  }

  closed(): void {
    this.runInAsyncScope(() => this.#socket.disconnect());
  }

  drained(): void {
    this.runInAsyncScope(() => this.#writer.drained());
  }

  #answered(): void {
    if (finished.hasSubscribers) finished.publish(this.#message());
    this.#socket.release();
    this.#owner.forget(this.#id);
    this.request.dump();
  }

  #disconnected(): void {
    this.#owner.forget(this.#id);
    this.request.cutOff();
    this.response.close();
  }

  #timedOut(): void {
    const { request, response } = this;
    const isHandled = !request.complete && request.emit('timeout', this.#socket);
    if (!response.emit('timeout', this.#socket) && !isHandled) this.#socket.destroy();
  }

  #message(): object {
    const { request, response } = this;
    return { request, response, socket: this.#socket, server: this.#owner.server };
  }
}
