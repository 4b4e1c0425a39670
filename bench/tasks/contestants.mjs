/** Who is compared, and the module and variant that opens it. */
export const contestants = {
  'next-puff': { module: 'next-puff', variant: 'postgres' },
  'BullMQ, PostgreSQL': { module: 'bullmq', variant: 'postgres' },
  'pg-boss': { module: 'pg-boss', variant: '' },
  'graphile-worker': { module: 'graphile-worker', variant: '' },
  'graphile-worker, local queue': { module: 'graphile-worker', variant: 'local-queue' },
  'BullMQ, ioredis': { module: 'bullmq', variant: 'redis' },
  'BullMQ, next-puff/ioredis': { module: 'bullmq', variant: 'next-puff' },
  'next-puff, BullMQ': { module: 'next-puff', variant: 'bullmq' },
};
