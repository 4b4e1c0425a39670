export const dynamicParams = false;

export function generateStaticParams() {
  return [{ name: 'known' }];
}

export default async function Closed({ params }) {
  return <h1>{(await params).name}</h1>;
}
