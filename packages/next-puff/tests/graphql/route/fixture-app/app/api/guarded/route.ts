import { graphqlRoute } from 'next-puff/graphql';
import { schema } from '@/lib/static-schema';

const { GET, POST: answer } = graphqlRoute(schema);

export { GET };

export function POST(request: Request) {
  return request.headers.has('x-key') ? answer(request) : new Response('who?', { status: 401 });
}
