import { contextName } from '@/lib/record';

export const dynamic = 'force-static';

export function GET() {
  return Response.json([contextName(), Math.random()]);
}
