import type { NextConfig } from 'next';
import { withPuff } from 'next-puff';

const config: NextConfig = { experimental: { useCache: true } };

export default withPuff(config, { dir: import.meta.dirname });
