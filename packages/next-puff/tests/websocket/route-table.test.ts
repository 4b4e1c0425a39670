import { type AppPath, routeTable } from '../../dist/websocket/socket-routes.js';

const paths = (...pathnames: string[]): AppPath[] =>
  pathnames.map((pathname) => ({ pathname, page: `${pathname}/route` }));

const ALL = paths(
  '/[[...rest]]',
  '/rooms/[room]/[...more]',
  '/rooms/[room]',
  '/rooms/lobby',
  '/rooms',
  '/a.b/(c)',
);

describe('the table of routes', () => {
  const find = routeTable(ALL, '');

  test.each([
    ['/rooms', '/rooms', {}],
    ['/rooms/', '/rooms', {}],
    ['/rooms/lobby?x=/rooms', '/rooms/lobby', {}],
    ['/rooms/a', '/rooms/[room]', { room: 'a' }],
    ['/rooms/a%2Fb', '/rooms/[room]', { room: 'a/b' }],
    ['/rooms/a/b/c%20d', '/rooms/[room]/[...more]', { room: 'a', more: ['b', 'c d'] }],
    ['/a.b/(c)', '/a.b/(c)', {}],
    ['/aXb/(c)', '/[[...rest]]', { rest: ['aXb', '(c)'] }],
    ['/', '/[[...rest]]', {}],
  ])('finds %s as %s', (url, pathname, params) => {
    expect(find(url)).toEqual({ path: { pathname, page: `${pathname}/route` }, params });
  });

  test('finds nothing where a parameter cannot be decoded', () => {
    expect(find('/rooms/%E0%A4%A')).toBeUndefined();
  });

  test('finds nothing besides the base path', () => {
    const below = routeTable(paths('/', '/rooms'), '/base');
    expect(below('/base')?.path.pathname).toBe('/');
    expect(below('/base/rooms')?.path.pathname).toBe('/rooms');
    expect(below('/rooms')).toBeUndefined();
    expect(below('/based/rooms')).toBeUndefined();
  });
});
