import { contextName } from './record';

export const GET = () => Response.json(contextName());

export async function PUT() {
  return Response.json(contextName());
}
