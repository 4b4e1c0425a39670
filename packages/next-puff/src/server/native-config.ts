import { resolve } from 'node:path';
import type { ListenAddress, NativeServerConfig } from './native-server.js';
import type { ServeOptions } from './serve-options.js';

const METRICS_HOST = '127.0.0.1';

/** What the native server is started with; paths of files are relative to the app's folder. */
export function nativeConfigOf(options: ServeOptions, port: number): NativeServerConfig {
  const { directory, hostname, server } = options;
  const { unixSocket, tls, metrics } = server;
  const listen: ListenAddress[] = [{ host: hostname, port }];
  if (unixSocket) listen.push({ ...unixSocket, path: resolve(directory, unixSocket.path) });
  return {
    listen,
    tls: tls && {
      certificate: resolve(directory, tls.certificate),
      key: resolve(directory, tls.key),
    },
    limits: server.limits,
    timeouts: server.timeouts,
    trustProxy: server.trustProxy,
    compression: server.compression === false ? { enabled: false } : server.compression,
    health: server.health,
    metrics: metrics && {
      path: metrics.path,
      listen:
        metrics.port === undefined
          ? []
          : [{ host: metrics.hostname ?? METRICS_HOST, port: metrics.port }],
    },
    accessLog: server.accessLog,
    tracing: server.tracing,
    isolates: server.isolates,
    websockets: server.websockets,
  };
}
