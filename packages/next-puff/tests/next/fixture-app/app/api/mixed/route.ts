import { contextName } from '@/lib/record';

export const dynamic = 'force-dynamic',
  maxDuration = 7,
  GET = async () => Response.json(contextName());
