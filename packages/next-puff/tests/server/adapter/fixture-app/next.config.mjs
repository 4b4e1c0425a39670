import { withPuff } from 'next-puff';

/** The tests build this app several times, each with its own folder and settings. */
const config = {
  distDir: process.env.FIXTURE_DIST_DIR ?? '.next',
  basePath: process.env.FIXTURE_BASE_PATH ?? '',
  ...(process.env.FIXTURE_ADAPTER ? { adapterPath: process.env.FIXTURE_ADAPTER } : {}),
  headers: async () => [
    { source: '/(.*)', headers: [{ key: 'X-Frame-Options', value: 'DENY' }] },
    { source: '/nested/:path*', headers: [{ key: 'X-Path', value: ':path*' }] },
    {
      source: '/plain.txt',
      has: [{ type: 'header', key: 'x-preview' }],
      headers: [{ key: 'X-Preview', value: 'yes' }],
    },
  ],
  redirects: async () => [
    { source: '/old', destination: '/about', permanent: true },
    { source: '/old/:slug', destination: '/blog/:slug', permanent: false },
    { source: '/away', destination: 'https://example.com/there?by=redirect', permanent: false },
  ],
  rewrites: async () => ({
    beforeFiles: [{ source: '/rewritten', destination: '/about' }],
    afterFiles: [{ source: '/alias/:path*', destination: '/docs/:path*' }],
    fallback: [],
  }),
};

export default process.env.FIXTURE_PLAIN ? config : withPuff(config, { dir: import.meta.dirname });
