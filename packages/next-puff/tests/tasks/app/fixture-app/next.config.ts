import { withPuff } from 'next-puff';

export default withPuff(
  { distDir: process.env.FIXTURE_DIST_DIR ?? '.next' },
  { dir: import.meta.dirname },
);
