/** A refusal as JSON, after RFC 9457 (problem details); `faults` says what is wrong field by field. */
export function problem(status: number, detail: string, faults?: object): Response {
  return Response.json(
    { status, detail, ...(faults && { faults }) },
    { status, headers: { 'content-type': 'application/problem+json' } },
  );
}

/** The request's JSON object, or the refusal to answer with. */
export async function readObject(
  request: Request,
): Promise<
  { body: Record<string, unknown>; refusal?: never } | { body?: never; refusal: Response }
> {
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    return { refusal: problem(400, 'The request body is not JSON.') };
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { refusal: problem(400, 'The request body must be a JSON object.') };
  return { body: body as Record<string, unknown> };
}
