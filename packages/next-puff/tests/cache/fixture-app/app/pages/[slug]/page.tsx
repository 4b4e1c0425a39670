import { unstable_cache } from 'next/cache';

export const revalidate = 3600;

export function generateStaticParams() {
  return [{ slug: 'built' }];
}

const data = unstable_cache(async () => crypto.randomUUID(), ['page data'], { tags: ['data'] });

/** A page that says when it was rendered, and with which data. */
export default async function Page({ params }: { params: Promise<{ slug: string }> }) {
  const { slug } = await params;
  return <p>{`${slug} rendered=${crypto.randomUUID()} data=${await data()}`}</p>;
}
