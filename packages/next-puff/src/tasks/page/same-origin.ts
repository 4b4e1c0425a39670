/**
 * Whether a request that changes something comes from a page of the same origin, so that no other site can make a visitor's
 * browser send it (Fetch Metadata, `Sec-Fetch-Site`; browsers without it send `Origin` with a POST).
 */
export function isSameOrigin(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = request.headers.get('origin');
  if (origin === null || !URL.canParse(origin)) return false;
  const host = request.headers.get('host') ?? new URL(request.url).host;
  return new URL(origin).host === host;
}
