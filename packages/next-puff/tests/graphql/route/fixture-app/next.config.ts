import type { NextConfig } from 'next';
import { withPuff } from 'next-puff';

export default withPuff({} satisfies NextConfig, {
  dir: import.meta.dirname,
  routes: process.env.FIXTURE_UNWRAPPED === undefined,
});
