import { recorded } from '@/lib/record';

export const dynamic = 'force-dynamic';

export const GET = () => Response.json(recorded());
