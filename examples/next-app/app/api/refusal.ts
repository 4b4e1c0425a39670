const CODES = { 400: 'BAD_REQUEST', 404: 'NOT_FOUND', 409: 'CONFLICT' } as const;

/**
 * A refusal in the form that next-puff's own errors have; `faults` says what is wrong field by field.
 */
export function refuse(status: keyof typeof CODES, message: string, faults?: object): Response {
  return Response.json(
    { error: { code: CODES[status], message, ...(faults && { faults }) } },
    { status },
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
    return { refusal: refuse(400, 'The request body is not JSON.') };
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { refusal: refuse(400, 'The request body must be a JSON object.') };
  return { body: body as Record<string, unknown> };
}
