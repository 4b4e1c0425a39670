import { defineConfig } from 'next-puff';

export default defineConfig({ tasks: { concurrency: 8, shutdownMs: 10_000 } });
