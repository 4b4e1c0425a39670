import { graphqlRoute } from 'next-puff/graphql';
import { schema } from '../../../polls.mjs';

export const { GET, POST } = graphqlRoute(schema);
