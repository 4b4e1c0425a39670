import { NextRequest } from 'next/server.js';
import type { NativeRequest } from '../server/native-server.js';
import type { SocketRoutes } from './socket-routes.js';

/**
 * The handshake's request as handlers get it: a `GET`, whose cookies, headers and URL tell who connects.
 *
 * @param origin where the app is if the client names no host, for example `localhost:3000`
 */
export function socketRequest(
  { url, rawHeaders, isEncrypted }: NativeRequest,
  origin: string,
  nextConfig: SocketRoutes['urlConfig'],
): NextRequest {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] as string, rawHeaders[at + 1] as string);
  }
  const forwarded = headers.get('x-forwarded-proto')?.split(',', 1)[0]?.trim();
  const protocol = (forwarded ?? (isEncrypted ? 'https' : 'http')) === 'https' ? 'https' : 'http';
  const host = headers.get('x-forwarded-host')?.split(',', 1)[0]?.trim() || headers.get('host');
  return new NextRequest(urlOf(url, `${protocol}://${host ?? origin}`, `http://${origin}`), {
    headers,
    nextConfig,
  });
}

function urlOf(url: string, base: string, fallback: string): URL {
  // As text: a path that begins with two slashes names no host.
  return URL.canParse(base + url) ? new URL(base + url) : new URL(fallback + url);
}
