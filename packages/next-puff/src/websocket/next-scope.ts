import type { NextRequest } from 'next/server.js';

/** Runs a handler so that `cookies()` and `headers()` of Next.js answer with those of the handshake. */
export type NextScope = <Result>(request: NextRequest, route: string, run: () => Result) => Result;

/** A storage of Next.js, as far as it is used here. */
interface Storage {
  run<Result>(store: object, run: () => Result): Result;
}

/** `createRequestStoreForAPI` of Next.js; cookies and headers are read when they are asked for. */
type CreateRequestStore = (
  request: NextRequest,
  url: { pathname: string; search: string },
  implicitTags: undefined,
  onUpdateCookies: undefined,
  previewProps: undefined,
) => object;

/** @param requireNext loads modules of the app's own Next.js by their paths below `next/` */
export function nextScopeOf(requireNext: (name: string) => unknown): NextScope {
  const { workAsyncStorage } = requireNext(
    'dist/server/app-render/work-async-storage.external',
  ) as { workAsyncStorage: Storage };
  const { workUnitAsyncStorage } = requireNext(
    'dist/server/app-render/work-unit-async-storage.external',
  ) as { workUnitAsyncStorage: Storage };
  const { createRequestStoreForAPI } = requireNext('dist/server/async-storage/request-store') as {
    createRequestStoreForAPI: CreateRequestStore;
  };
  return (request, route, run) => {
    // In draft mode `fetch` of Next.js passes requests on as they are: there is no page whose cache they belong to.
    const work = { route, page: route, isDraftMode: true, afterContext: NO_AFTER };
    const { pathname, search } = request.nextUrl;
    const url = { pathname, search };
    const unit = createRequestStoreForAPI(request, url, undefined, undefined, undefined);
    // Cookies can be read and not set: the handshake's answer takes its headers from `accept`.
    Object.assign(unit, { phase: 'render' });
    return workAsyncStorage.run(work, () => workUnitAsyncStorage.run(unit, run));
  };
}

/** A socket has no response that something could come after. */
const NO_AFTER = {
  after(): never {
    throw new Error(
      '`after` has no place in a handler of WebSockets: do it when the socket is closed.',
    );
  },
};
