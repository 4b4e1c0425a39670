/** What is needed of the app's own copy of Prisma. */
export interface PrismaRuntime {
  Decimal: new (digits: string | number) => unknown;
  PrismaClientKnownRequestError: new (
    message: string,
    options: { code: string; clientVersion: string; meta?: Record<string, unknown> },
  ) => Error;
}

/** Loads the copy of Prisma whose clients the app has. */
export function loadPrismaRuntime(): Promise<PrismaRuntime> {
  return import('@prisma/client/runtime/client');
}
