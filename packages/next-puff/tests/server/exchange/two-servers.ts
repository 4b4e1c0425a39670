import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { calls } from '../../../dist/boundary/calls.js';
import { Exchanges } from '../../../dist/server/exchange/exchanges.js';
import {
  attach,
  closeServer,
  detach,
  startNativeServer,
} from '../../../dist/server/native-server.js';
import { RawConnection, type RawResponse } from '../support/raw-http.ts';

/** Notes what a program sees. */
export type Log = (...seen: unknown[]) => void;

/** A request listener that is run by both servers. */
export type Program = (request: IncomingMessage, response: ServerResponse, log: Log) => unknown;

/** What came of a program: what the client got, and what the program noted. */
export interface Run {
  readonly answer: RawResponse | 'no answer';
  readonly seen: readonly string[];
}

/** Node's server and the native one, which have the same request listener. */
export class TwoServers {
  readonly #node: Server;
  readonly #native: number;
  readonly #ports: readonly [node: number, native: number];
  #program: Program = () => {};
  #log: Log = () => {};

  private constructor(node: Server, native: number, ports: readonly [number, number]) {
    this.#node = node;
    this.#native = native;
    this.#ports = ports;
  }

  static async start(): Promise<TwoServers> {
    const run = (request: IncomingMessage, response: ServerResponse) =>
      servers.#program(request, response, servers.#log);
    const node = createServer(run).listen(0, '127.0.0.1');
    await once(node, 'listening');
    const native = await startNativeServer({ listen: [{ host: '127.0.0.1', port: 0 }] });
    const exchanges = new Exchanges(calls().boundary, createServer(), (request) =>
      exchanges.open(request).run(run),
    );
    attach(native.id, exchanges);
    const nativePort = Number(native.addresses[0]?.split(':').at(-1));
    const { port } = node.address() as AddressInfo;
    const servers = new TwoServers(node, native.id, [port, nativePort]);
    return servers;
  }

  /** Runs a program under both; `act` is what the client does once it has sent the request. */
  async run(
    program: Program,
    request: string,
    act: (connection: RawConnection) => Promise<RawResponse> = (connection) =>
      connection.receive(request.slice(0, request.indexOf(' '))),
  ): Promise<{ node: Run; native: Run }> {
    this.#program = program;
    const [nodePort, nativePort] = this.#ports;
    return {
      node: await this.#runOn(nodePort, request, act),
      native: await this.#runOn(nativePort, request, act),
    };
  }

  async stop(): Promise<void> {
    detach(this.#native);
    closeServer(this.#native);
    this.#node.closeAllConnections();
    this.#node.close();
    await once(this.#node, 'close');
  }

  async #runOn(
    port: number,
    request: string,
    act: (connection: RawConnection) => Promise<RawResponse>,
  ): Promise<Run> {
    const seen: string[] = [];
    const over = new Promise<void>((resolve) => {
      this.#log = (...parts) => {
        if (parts[0] === OVER) resolve();
        else seen.push(parts.map((part) => describe(part)).join(' '));
      };
    });
    const program = this.#program;
    this.#program = async (incoming, outgoing, log) => {
      // After the listeners of the program itself.
      outgoing.on('close', () => setImmediate(() => setImmediate(() => log(OVER))));
      try {
        await program(incoming, outgoing, log);
      } catch (error) {
        log('threw', error);
        if (!outgoing.headersSent) {
          outgoing.statusCode = 500;
          outgoing.statusMessage = '';
        }
        outgoing.end('it threw');
      }
    };
    const connection = await RawConnection.open(port);
    try {
      await connection.send(request);
      const answer = await act(connection).catch(() => 'no answer' as const);
      connection.close();
      await over;
      return { answer, seen };
    } finally {
      connection.close();
      this.#program = program;
    }
  }
}

const OVER = Symbol('over');

function describe(part: unknown): string {
  if (typeof part !== 'object' || part === null) return String(part);
  // Errors are of several realms here.
  if ('stack' in part) return `${(part as Error).name} ${(part as NodeJS.ErrnoException).code}`;
  return JSON.stringify(part);
}
