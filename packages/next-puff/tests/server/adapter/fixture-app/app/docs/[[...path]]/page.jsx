export const dynamic = 'force-dynamic';

export default async function Docs({ params }) {
  return <h1>{JSON.stringify(await params)}</h1>;
}
