import type { NextRequest } from 'next/server';
import { contextName } from '@/lib/record';

export async function GET(_request: NextRequest) {
  return Response.json(contextName());
}

export async function POST<T extends Request>(request: T) {
  return Response.json([contextName(), await request.text()]);
}
