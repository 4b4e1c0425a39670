import type { SocketParams, UpgradeHandler } from './handler.js';

/** A path of the app. */
export interface AppPath {
  /** With parameters in brackets, for example `/api/rooms/[room]`. */
  pathname: string;
  /** What Next.js calls its route file; nothing for a page. */
  page: string | undefined;
}

/** A handshake's way to its handler. */
export interface SocketRoute {
  /** As {@link AppPath.pathname}. */
  pathname: string;
  handler: UpgradeHandler;
  params: SocketParams;
  /** In development: the handler as it is now. */
  reload?: () => Promise<UpgradeHandler | undefined>;
}

/** Finds a path by its URL, as the client sent it; nothing when no route takes WebSockets there. */
export type FindSocketRoute = (url: string) => Promise<SocketRoute | undefined>;

/** The routes of an app that take WebSockets. */
export interface SocketRoutes {
  readonly find: FindSocketRoute;
  /** What `NextURL` needs to know of the app. */
  readonly urlConfig: { basePath: string; trailingSlash: boolean };
}

interface Pattern {
  path: AppPath;
  /** Names of the parameters, and whether they stand for several segments. */
  names: Map<string, boolean>;
  expression: RegExp;
}

/** What {@link routeTable} finds. */
export interface MatchedPath {
  path: AppPath;
  params: SocketParams;
}

/**
 * Finds paths in the order in which Next.js tries them: fixed segments before parameters, those before
 * the rest of a path.
 *
 * @param basePath of the app, below which its paths are
 */
export function routeTable(
  paths: readonly AppPath[],
  basePath: string,
): (url: string) => MatchedPath | undefined {
  const patterns = paths.map(patternOf);
  patterns.sort((one, other) => compare(one.path.pathname, other.path.pathname));
  return (url) => {
    const below = pathBelow(url, basePath);
    if (below === undefined) return undefined;
    for (const { path, names, expression } of patterns) {
      const match = expression.exec(below);
      if (!match) continue;
      const params = decode(names, match.slice(1));
      return params && { path, params };
    }
    return undefined;
  };
}

/** Without a slash at its end. */
function pathBelow(url: string, basePath: string): string | undefined {
  const path = (url.split(/[?#]/, 1)[0] as string).replace(/\/+$/, '');
  const below = path.startsWith(basePath) ? path.slice(basePath.length) : undefined;
  return below === '' || below?.startsWith('/') ? below : undefined;
}

function compare(one: string, other: string): number {
  const [left, right] = [one.split('/'), other.split('/')];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [a, b] = [left[at], right[at]];
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    if (a !== b) return (a as string) < (b as string) ? -1 : 1;
  }
  return 0;
}

function rank(segment: string | undefined): number {
  if (segment === undefined) return 2;
  if (segment.startsWith('[[...')) return 4;
  if (segment.startsWith('[...')) return 3;
  return segment.startsWith('[') ? 1 : 0;
}

function patternOf(path: AppPath): Pattern {
  const names = new Map<string, boolean>();
  let source = '';
  for (const segment of path.pathname.split('/').filter((part) => part !== '')) {
    const [, optional, dots, name] = /^\[(\[)?(\.{3})?([^\]]+)\]/.exec(segment) ?? [];
    if (name === undefined) {
      source += `/${segment.replace(/[.*+?^${}()|\\]/g, '\\$&')}`;
      continue;
    }
    names.set(name, dots !== undefined);
    if (optional) source += '(?:/(.+?))?';
    else source += dots ? '/(.+?)' : '/([^/]+?)';
  }
  return { path, names, expression: new RegExp(`^${source}$`) };
}

/** Nothing for what cannot be decoded. */
function decode(
  names: ReadonlyMap<string, boolean>,
  values: readonly (string | undefined)[],
): SocketParams | undefined {
  const params: SocketParams = {};
  try {
    [...names].forEach(([name, isRest], index) => {
      const value = values[index];
      if (value === undefined) return;
      params[name] = isRest ? value.split('/').map(decodeURIComponent) : decodeURIComponent(value);
    });
  } catch {
    return undefined;
  }
  return params;
}
