import { type ClientOptions, WebSocket } from 'ws';

/** How a handshake was refused. */
export interface Refused {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A client whose messages are read one after the other. */
export class SocketClient {
  readonly socket: WebSocket;
  /** The headers of the response to the handshake. */
  headers: Record<string, string | string[] | undefined> = {};
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #messages: (string | Buffer)[] = [];
  #waiting: ((message: string | Buffer) => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      const message = isBinary ? data : data.toString();
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#messages.push(message);
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static connect(
    url: string,
    { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
  ): Promise<SocketClient> {
    const client = new SocketClient(new WebSocket(url, protocols, options));
    const { socket } = client;
    return new Promise((resolve, reject) => {
      socket.on('upgrade', ({ headers }) => {
        client.headers = headers;
      });
      socket.on('open', () => resolve(client));
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => {
          reject({ status: response.statusCode, headers: response.headers, body });
        });
      });
      socket.on('error', reject);
    });
  }

  /** The next message. */
  next(): Promise<string | Buffer> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Closes it, and waits until the server has. */
  async close(code = 1000, reason = ''): Promise<{ code: number; reason: string }> {
    this.socket.close(code, reason);
    return this.closed;
  }
}

/** The refusal of a handshake. */
export async function refusal(connecting: Promise<SocketClient>): Promise<Refused> {
  try {
    await connecting;
  } catch (error) {
    return error as Refused;
  }
  throw new Error('The handshake was accepted.');
}

/** Waits until a condition holds; for what a process prints. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
