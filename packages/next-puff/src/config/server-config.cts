/**
 * Where and how the server of `next-puff start` and `next-puff dev` listens and answers.
 *
 * Everything is optional; options of the command line come first. Times are in milliseconds, sizes in
 * bytes; 0 takes a bound away where that makes sense. `config.rs` of the native core reads most of it.
 */
export interface ServerConfig {
  /** Default 3000, or `PORT`; `next-puff dev` takes the next free one. */
  port?: number;
  /** A name or an address; every address of the machine without it. */
  hostname?: string;
  /** Also listen on a Unix socket. */
  unixSocket?: UnixSocketConfig;
  /** Speak TLS, and HTTP/2 with clients that offer it. */
  tls?: TlsConfig;
  /**
   * How many worker threads run Next.js; `'auto'` is one per core. Default 1: Next.js runs on the main thread,
   * as under `next start`. Of no use to `next-puff dev`.
   */
  workers?: number | 'auto';
  /** Memory in megabytes that the JavaScript of one worker may hold before it is replaced. */
  workerMemoryMb?: number;
  /**
   * A worker whose event loop has stood still for so long, as in an endless loop, is replaced; what it was answering gets
   * 500. Default 60,000; 0: never. Not while a debugger is connected, and not without `workers`: there is nobody to
   * notice.
   */
  workerStuckMs?: number;
  limits?: LimitsConfig;
  timeouts?: TimeoutsConfig;
  /**
   * Whose `X-Forwarded-*` headers are believed: the number of proxies before the server, or their addresses
   * (`10.0.0.0/8`). Without it handlers see what is sent, as under `next start`.
   */
  trustProxy?: number | readonly string[];
  /** How answers are compressed; `false` where a proxy does it. */
  compression?: CompressionConfig | false;
  health?: HealthConfig;
  metrics?: MetricsConfig;
  /** Write a line to standard output for each request. */
  accessLog?: 'combined' | 'json';
  tracing?: TracingConfig;
  isolates?: IsolatesConfig;
  shutdown?: ShutdownConfig;
  websockets?: WebSocketsConfig;
}

/** A Unix socket. */
export interface UnixSocketConfig {
  /** Its file. */
  path: string;
  /** Who may connect, as `chmod` has it, for example `0o660`. */
  mode?: number;
}

/** PEM files; they are read again when they change. */
export interface TlsConfig {
  /** The certificate and those between it and a root. */
  certificate: string;
  key: string;
}

/** What the server takes at most. */
export interface LimitsConfig {
  /** A request's line and headers. Default 16 KB; more is answered 431. */
  headerBytes?: number;
  /** A request's headers. Default 100; more are answered 431. */
  headerCount?: number;
  /** A request's path and query. Default 16 KB; more is answered 414. */
  urlBytes?: number;
  /** A request's body. Default none; more is answered 413. */
  bodyBytes?: number;
  /** Connections at a time. Default none; more wait in the queue of the operating system. */
  connections?: number;
  /** Requests at a time on one connection of HTTP/2. Default 128. */
  streams?: number;
}

/** How long the server waits. */
export interface TimeoutsConfig {
  /** For the next request on a connection of HTTP/1. Default 5,000. */
  keepAliveMs?: number;
  /** For the next request on a connection of HTTP/2. Default 60,000. */
  http2IdleMs?: number;
  /** For a request's line and headers. Default 60,000; answered 408. */
  headersMs?: number;
  /** For the next bytes of a request's body. Default 60,000; answered 408. */
  bodyProgressMs?: number;
  /** For a whole request. Default 300,000; answered 408. */
  requestMs?: number;
  /** For a client that takes nothing of its answer. Default 60,000. */
  writeProgressMs?: number;
  /** For the head of a handler's answer. Default 300,000; answered 504. */
  answerMs?: number;
}

/** How answers are compressed. */
export interface CompressionConfig {
  /** What is offered, the best liked first. Default zstd, br, gzip, deflate. */
  encodings?: readonly ('zstd' | 'br' | 'gzip' | 'deflate')[];
  /** Answers that are known to be smaller are left alone. Default 1 KB. */
  minBytes?: number;
}

/** Where the server tells how it is; `null` for nowhere. */
export interface HealthConfig {
  /** 200 while the process runs. Default `/healthz`. */
  live?: string | null;
  /** 200 while requests are answered, 503 before that and during shutdown. Default `/readyz`. */
  ready?: string | null;
}

/** Where the server gives its numbers, in the text format of Prometheus. Default nowhere. */
export interface MetricsConfig {
  /** On the app's own address, for whoever asks. */
  path?: string;
  /** On a port of its own, with `/healthz` and `/readyz`. */
  port?: number;
  /** Where that port is. Default `127.0.0.1`. */
  hostname?: string;
}

/** How requests are named. */
export interface TracingConfig {
  /** Give every request an `x-request-id`. Default false. */
  requestIds?: boolean;
  /** Send it back. Default false. */
  returnRequestIds?: boolean;
  /** Begin a W3C `traceparent` where a request has none. Default false. */
  startTraces?: boolean;
}

/** How much Next.js is given at a time; what is more is answered 503 with `Retry-After`. */
export interface IsolatesConfig {
  /** Requests that one worker, or the main thread, works on at a time. Default 1,000. */
  maxRequests?: number;
  /** Requests that wait. Default 1,000. */
  maxQueued?: number;
  /** How long one waits. Default 10,000. */
  queueMs?: number;
  /** A worker whose event loop stands still for so long gets no requests until it moves. Default 10,000. */
  maxEventLoopDelayMs?: number;
}

/** What WebSockets may do. */
export interface WebSocketsConfig {
  /**
   * Origins whose pages may connect, besides the app's own: `https://example.com`, `example.com`,
   * `*.example.com`, or `*` for all. Clients that are no browsers have no origin, and may.
   */
  allowedOrigins?: readonly string[];
  /** WebSockets at a time. Default 100,000; more are answered 503. */
  maxSockets?: number;
  /** A message, inflated. Default 1 MB; a longer one is closed with 1009. */
  maxMessageBytes?: number;
  /** What may wait for one client. Default 1 MB; who reads more slowly is closed with 1008. */
  maxBufferedBytes?: number;
  /** Silence after which a client is pinged. Default 30,000. */
  pingIntervalMs?: number;
  /** For any sign of life after a ping. Default 20,000. */
  pongTimeoutMs?: number;
  /** For a client's answer to a close frame. Default 5,000. */
  closeTimeoutMs?: number;
  /** Compress messages from 1 KB on for clients that offer it (RFC 7692). Default true. */
  compression?: boolean;
}

/** How long each stage of shutting down may take. */
export interface ShutdownConfig {
  /** `/readyz` says 503 while new connections are still taken, for load balancers that look there. Default 0. */
  delayMs?: number;
  /** Connections that are kept alive may send one more request, then those that are idle are closed. Default 1,000. */
  idleMs?: number;
  /** Requests that were accepted are answered. Default 15,000. */
  requestsMs?: number;
  /** WebSockets are closed with 1001. Default 2,000. */
  socketsMs?: number;
  /** `after()` and `waitUntil`. Default 10,000. */
  backgroundMs?: number;
  /** Connections to databases are closed. Default 3,000. */
  poolsMs?: number;
}
