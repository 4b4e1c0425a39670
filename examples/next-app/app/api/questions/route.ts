import type { NextRequest } from 'next/server';
import { route } from 'next-puff/next';
import { readObject, refuse } from '@/app/api/refusal';
import { CLOSING_HOURS, parseClosing } from '@/polls/closing-hours';
import { checkQuestion, parseId } from '@/polls/input';
import {
  createQuestion,
  findQuestion,
  listQuestions,
  QuestionExistsError,
} from '@/polls/questions';

/** A page of questions: `?page=2`, `?status=open`. */
export async function GET(request: NextRequest): Promise<Response> {
  const query = request.nextUrl.searchParams;
  const page = parseId(query.get('page') ?? '1');
  if (!page) return refuse(400, '`page` must be a whole number from 1.');
  const status = query.get('status') ?? undefined;
  if (status !== undefined && status !== 'open' && status !== 'closed')
    return refuse(400, '`status` must be `open` or `closed`.');

  return Response.json({ page, questions: await listQuestions({ page, status }) });
}

/** Creates a question: `{ "text": "…", "choices": ["…", "…"], "closesInHours": 24 }`, the last one optional. */
// Options of its own: it gives up sooner than the app's other handlers, and all it writes is one transaction.
export const POST = route({ deadlineMs: 5_000, transaction: true }, async (request: Request) => {
  const { body, refusal } = await readObject(request);
  if (refusal) return refusal;
  const { input, faults } = checkQuestion(body.text, body.choices);
  if (faults) return refuse(400, 'The question is not complete.', faults);
  const closesInHours = parseClosing(body.closesInHours);
  if (closesInHours === null)
    return refuse(400, `\`closesInHours\` must be one of ${CLOSING_HOURS.join(', ')}.`);

  try {
    const id = await createQuestion(input, null, closesInHours);
    return Response.json(await findQuestion(id), {
      status: 201,
      headers: { location: `/api/questions/${id}` },
    });
  } catch (error) {
    if (error instanceof QuestionExistsError) return refuse(409, error.message);
    throw error;
  }
});
