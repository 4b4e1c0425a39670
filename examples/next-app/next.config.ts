import type { NextConfig } from 'next';
import { withPuff } from 'next-puff/config';

const nextConfig: NextConfig = {
  poweredByHeader: false,
};

export default withPuff(nextConfig);
