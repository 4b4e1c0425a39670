import { graphqlRoute } from 'next-puff/graphql';
import { route } from 'next-puff/next';
import { schema } from '@/lib/static-schema';

const handlers = graphqlRoute(schema);

export const POST = route({ deadlineMs: 300 }, handlers.POST);
