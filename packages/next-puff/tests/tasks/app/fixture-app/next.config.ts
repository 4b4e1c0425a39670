import { withPuff } from 'next-puff';

const { FIXTURE_DIST_DIR, FIXTURE_ROOT } = process.env;

export default withPuff(
  {
    distDir: FIXTURE_DIST_DIR ?? '.next',
    // A standalone output has what is below this folder.
    ...(FIXTURE_ROOT && {
      output: 'standalone',
      outputFileTracingRoot: FIXTURE_ROOT,
      turbopack: { root: FIXTURE_ROOT },
      // Large, and of no use to this app.
      outputFileTracingExcludes: { '*': ['**/node_modules/@img/**', '**/node_modules/sharp/**'] },
    }),
  },
  { dir: import.meta.dirname },
);
