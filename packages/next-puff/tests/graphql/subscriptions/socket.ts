import { WebSocket } from 'ws';

/** A message of the protocol. */
export interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}

/** How a socket was closed. */
export interface Closed {
  code: number;
  reason: string;
}

/** A client that says what it is told to, and waits for what it gets. */
export class TestSocket {
  /** Resolves when the socket has ended. */
  readonly closed: Promise<Closed>;
  readonly #socket: WebSocket;
  readonly #received: Message[] = [];
  #arrived: (() => void) | undefined;
  #isClosed = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#received.push(JSON.parse(data.toString()));
      this.#arrived?.();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code: number, reason: Buffer) => {
        this.#isClosed = true;
        this.#arrived?.();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  static async open(
    url: string,
    {
      protocol = 'graphql-transport-ws',
      headers = {},
    }: { protocol?: string; headers?: object } = {},
  ): Promise<TestSocket> {
    const socket = new WebSocket(url, protocol, { headers: headers as Record<string, string> });
    const opened = new TestSocket(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return opened;
  }

  /** Opens one and waits until the server has acknowledged it. */
  static async connect(url: string, payload?: object): Promise<TestSocket> {
    const socket = await TestSocket.open(url);
    socket.send({ type: 'connection_init', ...(payload !== undefined && { payload }) });
    const ack = await socket.next();
    if (ack.type !== 'connection_ack') throw new Error(`not acknowledged: ${JSON.stringify(ack)}`);
    return socket;
  }

  /** The subprotocol that was agreed on. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  send(message: unknown): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  /** Begins an operation. */
  subscribe(id: string, query: string, more: object = {}): void {
    this.send({ id, type: 'subscribe', payload: { query, ...more } });
  }

  /** Waits for the next message. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#received.shift();
      if (message !== undefined) return message;
      if (this.#isClosed) throw new Error(`closed: ${JSON.stringify(await this.closed)}`);
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /**
   * Says something that the server answers at once, and gives what had come before the answer: when nothing
   * more is on its way, nothing more comes.
   */
  async settled(): Promise<Message[]> {
    this.send({ type: 'ping', payload: { settled: true } });
    const before: Message[] = [];
    for (;;) {
      const message = await this.next();
      if (message.type === 'pong') return before;
      before.push(message);
    }
  }

  close(code?: number): void {
    this.#socket.close(code);
  }

  /** Drops the connection. */
  terminate(): void {
    this.#socket.terminate();
  }
}
