import { withPuff } from 'next-puff/config';

// Each set-up has a build of its own; all builds have the same name, so that the bytes are the same.
const { CACHE_SETUP, CACHE_HANDLER } = process.env;
const config = { distDir: `.next/${CACHE_SETUP}`, generateBuildId: () => 'bench' };

export default CACHE_HANDLER
  ? { ...config, cacheHandler: CACHE_HANDLER, cacheMaxMemorySize: 0 }
  : withPuff(config, { dir: import.meta.dirname });
