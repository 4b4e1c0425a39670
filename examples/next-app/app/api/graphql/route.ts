import { graphqlRoute } from 'next-puff/graphql';
import { schema } from '@/graphql/schema';

/** The app's GraphQL API; in development a browser gets GraphiQL. */
export const { GET, POST } = graphqlRoute(schema);
