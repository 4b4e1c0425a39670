import { route } from 'next-puff/next';
import { contextName } from '@/lib/record';

export const GET = route(
  { deadlineMs: 5000 },
  async (_request, { params }: RouteContext<'/api/items/[id]'>) => {
    const { id } = await params;
    return Response.json([contextName(), id]);
  },
);
