import { calls } from '../boundary/calls.js';
import type { Completion, NativeResponse } from '../boundary/completions.js';
import { onMessage, Topic } from '../boundary/messages.js';
import type {
  CompressionConfig,
  HealthConfig,
  IsolatesConfig,
  LimitsConfig,
  ShutdownConfig,
  TimeoutsConfig,
  TlsConfig,
  TracingConfig,
  WebSocketsConfig,
} from '../config/server-config.cjs';
import { InternalError } from '../errors.js';
import { loadNative } from '../native.js';

/** Where a server listens: `port` 0 is any free one. */
export type ListenAddress =
  | { host?: string | undefined; port: number }
  | { path: string; mode?: number };

/** What a native server is started with; `config.rs` reads it and has defaults for all but `listen`. */
export interface NativeServerConfig {
  listen: ListenAddress[];
  tls?: TlsConfig | undefined;
  limits?: LimitsConfig | undefined;
  timeouts?: TimeoutsConfig | undefined;
  trustProxy?: number | readonly string[] | undefined;
  compression?: CompressionConfig | { enabled: false } | undefined;
  health?: HealthConfig | undefined;
  metrics?: { path?: string | undefined; listen: ListenAddress[] } | undefined;
  accessLog?: 'combined' | 'json' | undefined;
  tracing?: TracingConfig | undefined;
  isolates?: IsolatesConfig | undefined;
  websockets?: WebSocketsConfig | undefined;
}

/** A request that this isolate is to answer. */
export interface NativeRequest {
  /** Names the exchange in every call below. */
  id: number;
  method: string;
  /** As the client sent it. */
  url: string;
  /** For example `1.1`. */
  httpVersion: string;
  /** Of the client; empty on a Unix socket. */
  remoteAddress: string;
  remotePort: number;
  isEncrypted: boolean;
  /** The route's number in the site's table; 0 when the isolate has to find it. */
  route: number;
  /** The route's parameters as they stand in the URL: name, value, name, value ... */
  params: string[];
  /** What the route's answer has in addition, by the app's config: name in lower case, value, name, value ... */
  addedHeaders: string[];
  /** The headers: name in lower case, value, name, value ... */
  rawHeaders: string[];
  /** The body, or its beginning. */
  body: Uint8Array | undefined;
  /** Whether more of the body follows. */
  hasMore: boolean;
  /** Whether it asks for another protocol and its connection may be taken over; see `tunnel/`. */
  isUpgrade: boolean;
}

/** Takes what happens to the exchanges of an isolate. Must not throw. */
export interface ExchangeListener {
  request(request: NativeRequest): void;
  /** More of a request's body; {@link readBody} must tell when it was read. */
  body(id: number, bytes: Uint8Array): void;
  /** The body has ended; cut off when the client went away in the middle or sent too much. */
  bodyEnd(id: number, isCutOff: boolean): void;
  /** The client went away before the answer's end: nothing that is written arrives any more. */
  closed(id: number): void;
  /** What was written has gone out. */
  drained(id: number): void;
}

/** What became of something that was written. */
export const Written = {
  /** Nobody waits for it any more. */
  gone: 0,
  /** More may follow. */
  taken: 1,
  /** It was taken; {@link ExchangeListener.drained} tells when more should follow. */
  full: 2,
} as const;

/** A server that the Rust core runs; isolates answer its requests. */
export interface NativeServer {
  id: number;
  /** `address:port`, where it listens on TCP. */
  addresses: string[];
}

/** What Next.js has built. */
export interface NativeSite {
  /** The app's folder, with `public` in it. */
  projectDir: string;
  /** What the build has written. */
  distDir: string;
}

/** What was lost when a server was ended. */
export interface DrainReport {
  /** Requests that were given up. */
  lostRequests: number;
  /** WebSockets whose clients did not close in time. */
  lostSockets: number;
  tookMs: number;
}

const HEAD_PARTS = 8;
const HAS_MORE = 1;
const IS_UPGRADE = 2;

/** Starts a server; its requests wait until an isolate attaches itself. */
export async function startNativeServer(config: NativeServerConfig): Promise<NativeServer> {
  const completion = await calls().submit((boundary, call) =>
    boundary.serverStart(call, JSON.stringify(config)),
  );
  const { status, body } = responseOf(completion);
  return { id: status, addresses: JSON.parse(Buffer.from(body).toString()) };
}

function responseOf(completion: Completion): NativeResponse {
  if (completion.kind === 'response') return completion.response;
  throw new InternalError(`The native core answered with ${completion.kind}.`);
}

/** Lets this isolate answer a server's requests. It keeps the isolate alive until it is detached. */
export function attach(server: number, listener: ExchangeListener): void {
  onMessage(Topic.request, (id, route, flags, attachments) => {
    listener.request(readRequest(id, route, flags, attachments));
  });
  onMessage(Topic.requestBody, (id, _first, _second, [bytes]) => {
    listener.body(id, bytes as Uint8Array);
  });
  onMessage(Topic.requestEnd, (id, isCutOff) => listener.bodyEnd(id, isCutOff === 1));
  onMessage(Topic.closed, (id) => listener.closed(id));
  onMessage(Topic.drained, (id) => listener.drained(id));
  calls().boundary.serverAttach(server);
  calls().hold();
}

/** Gives this isolate no more requests of a server; those that it has go on. */
export function detach(server: number): void {
  calls().boundary.serverDetach(server);
  calls().unhold();
}

/**
 * Lets a server answer without JavaScript what Next.js has built.
 *
 * @returns why it cannot, if so: then isolates answer everything
 */
export function openSite(server: number, site: NativeSite): string | undefined {
  return loadNative().serverOpenSite(server, JSON.stringify(site)) ?? undefined;
}

/**
 * Has a second signal end this process, by SIGALRM, when JavaScript has not done it two seconds later: it may be in an endless
 * loop. To be called once Node.js listens to the signals.
 */
export function enforceSecondSignal(): void {
  loadNative().enforceSecondSignal();
}

/** Has a server compress no answers from now on: `compress: false` of an app in development. */
export function disableCompression(server: number): void {
  loadNative().serverDisableCompression(server);
}

/**
 * Ends a server so that no request is lost which it has accepted: it says that it is not ready, stops
 * listening, answers what is asked, and closes what is idle and its WebSockets. Its isolates stay attached.
 */
export async function drainServer(
  server: number,
  limits: Required<Omit<ShutdownConfig, 'backgroundMs' | 'poolsMs'>>,
): Promise<DrainReport> {
  const completion = await calls().submit((boundary, call) =>
    boundary.serverDrain(call, server, JSON.stringify(limits)),
  );
  return JSON.parse(Buffer.from(responseOf(completion).body).toString()) as DrainReport;
}

/** Ends whatever is left of a server, at once. */
export function closeServer(server: number): void {
  loadNative().serverClose(server);
}

/** Reads the head of a request, as `request_head.rs` writes it. */
export function readRequest(
  id: number,
  route: number,
  flags: number,
  attachments: unknown[],
): NativeRequest {
  const parts = (attachments[0] as string).split('\0');
  const params = HEAD_PARTS + 2 * Number(parts[6]);
  const added = params + 2 * Number(parts[7]);
  return {
    id,
    method: parts[0] as string,
    url: parts[1] as string,
    httpVersion: parts[2] as string,
    remoteAddress: parts[3] as string,
    remotePort: Number(parts[4]),
    isEncrypted: parts[5] === 'https',
    route,
    params: parts.slice(HEAD_PARTS, params),
    addedHeaders: parts.slice(params, added),
    rawHeaders: parts.slice(added),
    body: attachments[1] as Uint8Array | undefined,
    hasMore: (flags & HAS_MORE) !== 0,
    isUpgrade: (flags & IS_UPGRADE) !== 0,
  };
}
