import { graphqlRoute } from 'next-puff/graphql';
import { schema } from '@/lib/schema';

export const { GET, POST } = graphqlRoute(schema);
