import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClientDisconnectedError } from '../../errors.js';
import type { NativeSchema, OperationOptions } from '../native/native-schema.js';
import { joined, type RequestBody } from './request-body.js';
import type { ShortcutListener } from './server-shortcuts.js';

/** How long a client may go on sending a body that was refused. */
const LINGER_MS = 2_000;
const INTERNAL_ERROR =
  '{"errors":[{"message":"Unexpected error.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}';

/** A prepared schema that needs no JavaScript, behind an HTTP server of Node. */
export class NodeEndpoint {
  readonly #native: NativeSchema;
  readonly #maxBodyBytes: number;
  readonly #onReport: NonNullable<OperationOptions['onReport']>;

  /** @param onReport is told of failures of statements */
  constructor(
    native: NativeSchema,
    maxBodyBytes: number,
    onReport: NonNullable<OperationOptions['onReport']>,
  ) {
    this.#native = native;
    this.#maxBodyBytes = maxBodyBytes;
    this.#onReport = onReport;
  }

  /** Answers a request. Never throws. */
  readonly listener: ShortcutListener = (request, response) => {
    const controller = new AbortController();
    response.once('close', () => {
      if (response.writableFinished) return;
      controller.abort(new ClientDisconnectedError('The client went away.'));
    });
    this.#answer(request, response, controller.signal).catch((error: unknown) => {
      if (response.destroyed || controller.signal.aborted) return;
      console.error('[next-puff] GraphQL: a request was not answered:', error);
      fail(response);
    });
  };

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { method = '', url = '', headers } = request;
    const { bytes, length } =
      method === 'POST' ? await readBody(request, this.#maxBodyBytes) : NO_BODY;
    const isRefused = bytes.byteLength !== length;
    const start = url.indexOf('?');
    const answer = await this.#native.http(
      {
        method,
        search: start === -1 ? '' : url.slice(start + 1),
        headers: {
          get: (name) =>
            isRefused && name === 'content-length'
              ? String(length)
              : ((headers[name] as string | undefined) ?? null),
        },
        body: bytes,
      },
      { signals: [signal], onReport: this.#onReport },
    );
    const { status, body } = answer;
    const fields = [...answer.headers.flat(), 'content-length', String(body.byteLength)];
    if (isRefused) response.shouldKeepAlive = false;
    response.writeHead(status, fields);
    if (isRefused) endAfterBody(request, response, body);
    else response.end(body);
  }
}

const NO_BODY: RequestBody = { bytes: new Uint8Array(0), length: 0 };

/** Reads a body, but never more than is allowed and what came together with the last of that. */
function readBody(request: IncomingMessage, maxBytes: number): Promise<RequestBody> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) return Promise.resolve({ bytes: NO_BODY.bytes, length: declared });
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.byteLength;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      request.removeAllListeners('data');
      request.pause();
      resolve({ bytes: NO_BODY.bytes, length });
    });
    request.on('end', () => resolve({ bytes: joined(chunks, length), length }));
    request.on('error', reject);
  });
}

/**
 * Sends an answer at once, but closes the connection only when the client has sent its body, or has had
 * the time: a connection that is closed with unread data is reset, and the answer may be lost with it.
 */
function endAfterBody(request: IncomingMessage, response: ServerResponse, body: Uint8Array): void {
  response.write(body);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS).unref();
  request.once('end', end);
  request.once('close', end);
  request.resume();
}

function fail(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // Its body may not have been read.
  response.shouldKeepAlive = false;
  response.writeHead(500, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': INTERNAL_ERROR.length,
  });
  response.end(INTERNAL_ERROR);
}
