import { notFound } from 'next/navigation';
import { schema } from './schema';

/**
 * Executes a query in the process that renders a page and answers its data: no request goes over the network.
 *
 * Its errors are thrown with their code, and what the visitor's address asked for and is not there is a 404.
 */
export async function queryData<Data>(
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Data> {
  const { data, errors } = await schema.query<Data>(query, variables);
  const [error] = errors ?? [];
  if (error?.extensions?.code === 'BAD_USER_INPUT') notFound();
  if (error) throw Object.assign(new Error(error.message), { code: error.extensions?.code });
  return data as Data;
}
