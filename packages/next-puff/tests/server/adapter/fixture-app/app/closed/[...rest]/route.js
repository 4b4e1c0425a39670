/** Takes what `[name]` has no path for. */
export async function GET(_request, { params }) {
  return Response.json(await params);
}
