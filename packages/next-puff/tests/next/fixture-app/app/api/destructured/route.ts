import * as handlers from '@/lib/handlers';

export const dynamic = 'force-dynamic';
export const { GET, PUT } = handlers;
