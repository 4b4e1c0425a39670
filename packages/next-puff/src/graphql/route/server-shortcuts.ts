import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { mayBeStreamed } from './streamed-answer.js';

/** Answers a request instead of the server's own listeners. Must not throw. */
export type ShortcutListener = (request: IncomingMessage, response: ServerResponse) => void;

// By method and path. One registry per process, also when a bundler made a second copy of this module:
// the listeners of a server must be replaced once.
const KEY = Symbol.for('next-puff.http-shortcuts');
const globals = globalThis as { [KEY]?: WeakMap<Server, Map<string, ShortcutListener>> };

/**
 * Lets a listener answer the requests of a server that have this method and this very path, with
 * whatever query. All others go to the listeners that the server has by now, as before.
 */
export function addShortcut(
  server: Server,
  method: string,
  path: string,
  listener: ShortcutListener,
): void {
  globals[KEY] ??= new WeakMap();
  let shortcuts = globals[KEY].get(server);
  if (shortcuts === undefined) {
    shortcuts = new Map();
    globals[KEY].set(server, shortcuts);
    replaceListeners(server, shortcuts);
  }
  shortcuts.set(`${method} ${path}`, listener);
}

/** The path of a URL as it stands in a request. */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

function replaceListeners(server: Server, shortcuts: ReadonlyMap<string, ShortcutListener>): void {
  const listeners = server.rawListeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', function (this: Server, request, response) {
    const shortcut = shortcuts.get(`${request.method} ${pathOf(request.url ?? '')}`);
    if (shortcut !== undefined && isPlain(request)) {
      shortcut(request, response);
      return;
    }
    for (const listener of listeners) listener.call(this, request, response);
  });
}

/** Whether a request wants nothing but one answer. */
function isPlain({ headers }: IncomingMessage): boolean {
  return (
    headers.expect === undefined && headers.upgrade === undefined && !mayBeStreamed(headers.accept)
  );
}
