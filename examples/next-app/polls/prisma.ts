import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '@/generated/prisma/client';

// On globalThis, because a hot reload evaluates this module again and must not open a second pool.
const shared = globalThis as typeof globalThis & { pollsPrisma?: PrismaClient };

/** The process's one Prisma client, made at the first use. */
export function prisma(): PrismaClient {
  shared.pollsPrisma ??= new PrismaClient({
    adapter: new PrismaPg({
      connectionString: process.env.DATABASE_URL,
      max: 4,
      connectionTimeoutMillis: 5_000,
      // adapter-pg reads timestamps as if the session were in UTC, whatever it is in.
      options: '-c TimeZone=UTC',
    }),
  });
  return shared.pollsPrisma;
}
