import { revalidatePath, revalidateTag } from 'next/cache';

/** `?path=`, or `?tag=` and `&expire=` seconds, or `&profile=`. */
export async function POST(request: Request) {
  const { searchParams } = new URL(request.url);
  const [path, tag] = [searchParams.get('path'), searchParams.get('tag')];
  if (path) revalidatePath(path);
  if (tag) {
    const expire = Number(searchParams.get('expire') ?? 0);
    revalidateTag(tag, searchParams.get('profile') ?? { expire });
  }
  return new Response();
}
