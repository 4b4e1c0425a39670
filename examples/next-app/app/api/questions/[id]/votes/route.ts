import { randomUUID } from 'node:crypto';
import { readObject, refuse } from '@/app/api/refusal';
import { isUuid, parseId } from '@/polls/input';
import { announceResults } from '@/polls/live';
import { findQuestion } from '@/polls/questions';
import { castVote } from '@/polls/votes';

/**
 * Votes: `{ "choiceId": 3 }`. Each call is a new voter, unless `voterId` (a UUID) says whose vote it is: a voter's
 * second vote replaces the first.
 */
export async function POST(
  request: Request,
  { params }: RouteContext<'/api/questions/[id]/votes'>,
): Promise<Response> {
  const questionId = parseId((await params).id);
  if (!questionId) return refuse(400, 'The id of a question is a whole number from 1.');
  const { body, refusal } = await readObject(request);
  if (refusal) return refusal;
  const choiceId = typeof body.choiceId === 'number' ? parseId(String(body.choiceId)) : undefined;
  if (!choiceId) return refuse(400, '`choiceId` must be the id of one of the choices, a number.');
  const voterId = body.voterId ?? randomUUID();
  if (!isUuid(voterId)) return refuse(400, '`voterId` must be a UUID.');

  const outcome = await castVote({ questionId, choiceId, voterId });
  switch (outcome) {
    case 'no-such-question':
      return refuse(404, `There is no question ${questionId}.`);
    case 'no-such-choice':
      return refuse(400, `Question ${questionId} has no choice ${choiceId}.`);
    case 'closed':
      return refuse(409, `Question ${questionId} is closed.`);
    default:
      announceResults(questionId);
      return Response.json(
        { outcome, voterId, question: await findQuestion(questionId) },
        { status: outcome === 'counted' ? 201 : 200 },
      );
  }
}
