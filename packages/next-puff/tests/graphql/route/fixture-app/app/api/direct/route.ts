import { graphqlRoute } from 'next-puff/graphql';
import { schema } from '@/lib/static-schema';

export const { GET, POST } = graphqlRoute(schema, { shortcut: true, maxBodyBytes: 10_000 });
