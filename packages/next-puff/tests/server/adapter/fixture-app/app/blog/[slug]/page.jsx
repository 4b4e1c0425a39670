export const revalidate = 60;

export function generateStaticParams() {
  return [{ slug: 'first' }, { slug: 'café' }];
}

export default async function Post({ params }) {
  return <h1>{(await params).slug}</h1>;
}
