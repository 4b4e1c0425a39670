export const revalidate = 60;
export const generateStaticParams = () => [{ id: 'known' }];

export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  return Response.json({ ...(await params), made: Date.now() });
}
