import type { NextConfig } from 'next';
import { withPuff } from 'next-puff';

const config: NextConfig = {
  basePath: process.env.FIXTURE_BASE_PATH,
  distDir: process.env.FIXTURE_DIST_DIR ?? '.next',
};

export default withPuff(config, { dir: import.meta.dirname });
