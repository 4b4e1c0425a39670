import { refuse } from '@/app/api/refusal';
import { parseId } from '@/polls/input';
import { findQuestion } from '@/polls/questions';

/** One question with its choices and their votes. */
export async function GET(
  _request: Request,
  { params }: RouteContext<'/api/questions/[id]'>,
): Promise<Response> {
  const id = parseId((await params).id);
  if (!id) return refuse(400, 'The id of a question is a whole number from 1.');
  const question = await findQuestion(id);
  return question ? Response.json(question) : refuse(404, `There is no question ${id}.`);
}
