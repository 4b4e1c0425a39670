export const dynamic = 'force-dynamic';
export { GET, PUT as PATCH } from '@/lib/handlers';
