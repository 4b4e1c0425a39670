/** Sends an operation to the app's GraphQL API from the browser and answers its data. */
export async function postGraphQL<Data>(
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Data> {
  const response = await fetch('/api/graphql', {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Data;
    errors?: { message: string }[];
  };
  if (errors?.[0] || !data) throw new Error(errors?.[0]?.message ?? `Status ${response.status}`);
  return data;
}
