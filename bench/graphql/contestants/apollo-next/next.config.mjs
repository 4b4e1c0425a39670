import { dirname } from 'node:path';

// The packages are in the folder above.
const root = dirname(import.meta.dirname);

/** @type {import('next').NextConfig} */
export default {
  turbopack: { root },
  outputFileTracingRoot: root,
  serverExternalPackages: ['@prisma/client', '@prisma/adapter-pg', 'pg'],
};
