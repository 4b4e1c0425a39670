import { borrowDatabase, PrismaPuff } from 'next-puff/prisma';
import { PrismaClient } from '@/generated/prisma/client';

// On globalThis, because a hot reload evaluates this module again and one client is enough.
const shared = globalThis as typeof globalThis & { pollsPrisma?: PrismaClient };

/**
 * The process's one Prisma client, on the same Rust pool as `postgres` and in its transactions; made at
 * the first use.
 */
export function prisma(): PrismaClient {
  shared.pollsPrisma ??= borrowDatabase(new PrismaClient({ adapter: new PrismaPuff() }));
  return shared.pollsPrisma;
}
