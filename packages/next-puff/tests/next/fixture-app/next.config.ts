import type { NextConfig } from 'next';
import { withPuff } from 'next-puff';

const config: NextConfig = {
  distDir: process.env.FIXTURE_DIST_DIR ?? '.next',
};

export default process.env.FIXTURE_PLAIN ? config : withPuff(config, { dir: import.meta.dirname });
