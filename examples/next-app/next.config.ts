import type { NextConfig } from 'next';
import { withPuff } from 'next-puff/config';

const nextConfig: NextConfig = {
  poweredByHeader: false,
  experimental: { useCache: true },
  // The image of ./Dockerfile holds only what the server needs.
  ...(process.env.NEXT_OUTPUT === 'standalone' && { output: 'standalone' }),
};

export default withPuff(nextConfig);
