export default function Page() {
  return <p>GraphQL is at /api/graphql.</p>;
}
