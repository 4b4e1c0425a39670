// What is asked of the servers.

/** By name: the path, and a body for POST. */
export const targets = {
  file: { what: 'a file of `public`, 13 KB', path: '/lines.txt' },
  static: { what: 'a page that the build rendered', path: '/static' },
  isr: { what: 'a page with `revalidate`, fresh', path: '/isr' },
  json: { what: 'a route handler, JSON', path: '/api/json?name=bench' },
  post: {
    what: 'the same with a JSON body',
    path: '/api/json',
    body: JSON.stringify({ name: 'bench' }),
  },
  page: { what: 'a page rendered for each request', path: '/ssr' },
};

/** The options of `fetch` for a target. */
export function requestOf({ body }) {
  if (body === undefined) return {};
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}
