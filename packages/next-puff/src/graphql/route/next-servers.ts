import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

// Where Next.js keeps what its servers in this process share, by their folders:
// next/dist/server/lib/router-utils/router-server-context.js.
const SERVERS = Symbol.for('@next/router-server-methods');

interface NextServer {
  readonly nextConfig?: { readonly distDir?: string; readonly basePath?: string };
}

interface Proxy {
  /** Without any it sees every URL. */
  readonly matchers?: readonly { readonly regexp: string }[];
}

interface Manifest {
  /** The proxy of the edge runtime. */
  readonly middleware?: { readonly '/'?: Proxy };
  /** That of the Node.js runtime. */
  readonly functions?: { readonly '/_middleware'?: Proxy };
}

const MANIFESTS = ['middleware-manifest.json', 'functions-config-manifest.json'];

/** Whether a path that a client sent is the one that a route was told, with the base path of its app or without. */
export function isAt(path: string, told: string): boolean {
  if (path === told) return true;
  return servers().some(([, { nextConfig }]) => path === `${nextConfig?.basePath ?? ''}${told}`);
}

/**
 * Whether a path is seen by a proxy (formerly middleware) of the Next.js apps that this process serves.
 * Conditions on headers and cookies count as met.
 *
 * @throws when the manifests of a build cannot be read
 */
export function isProxied(path: string): boolean {
  return servers().some(([dir, { nextConfig }]) => {
    const { distDir = '.next', basePath = '' } = nextConfig ?? {};
    const inside = path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
    return proxiesOf(resolve(dir, distDir)).some(
      ({ matchers }) =>
        matchers === undefined ||
        matchers
          .map(({ regexp }) => new RegExp(regexp))
          .some((m) => m.test(path) || m.test(inside)),
    );
  });
}

function servers(): [dir: string, NextServer][] {
  const found = (globalThis as { [SERVERS]?: Readonly<Record<string, NextServer>> })[SERVERS];
  return Object.entries(found ?? {});
}

function proxiesOf(distDir: string): Proxy[] {
  return MANIFESTS.flatMap((name) => {
    const text = readFileSync(join(distDir, 'server', name), 'utf8');
    const { middleware, functions } = JSON.parse(text) as Manifest;
    return [middleware?.['/'], functions?.['/_middleware']].filter((proxy) => proxy !== undefined);
  });
}
