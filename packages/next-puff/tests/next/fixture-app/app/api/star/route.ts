export const dynamic = 'force-dynamic';
export * from '@/lib/handlers';
