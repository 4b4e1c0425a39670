import { graphqlRoute } from 'next-puff/graphql';
import { pollsSchema } from '../../../polls.mjs';

export const { GET, POST } = graphqlRoute(pollsSchema(), { shortcut: true });
