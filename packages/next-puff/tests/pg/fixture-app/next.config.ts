import type { NextConfig } from 'next';
import { withPuff } from 'next-puff';

const config: NextConfig = {
  distDir: process.env.FIXTURE_DIST_DIR ?? '.next',
  // Its other drivers cannot be bundled; it finds its `pg` while the server runs.
  serverExternalPackages: ['knex'],
};

export default withPuff(config, { dir: import.meta.dirname, patch: ['pg'] });
