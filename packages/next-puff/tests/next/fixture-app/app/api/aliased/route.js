import { contextName } from '@/lib/record';

const answer = () => Response.json(contextName());
export const dynamic = 'force-dynamic';
export { answer as GET, answer as POST };
