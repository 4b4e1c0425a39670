import type { NextRequest } from 'next/server';
import { pubsub } from 'next-puff/pubsub';
import type { ServerWebSocket, SocketServer } from 'next-puff/websocket';
import { refuse } from '@/app/api/refusal';
import { checkMessage, parseId } from '@/polls/input';
import { addMessage, type ChatEvent, chatChannel, lastMessages } from '@/polls/messages';
import { findQuestion } from '@/polls/questions';

/** What was said last, for whoever cannot listen. */
export async function GET(
  _request: Request,
  { params }: RouteContext<'/api/questions/[id]/chat'>,
): Promise<Response> {
  const questionId = parseId((await params).id);
  if (!questionId) return refuse(400, 'The id of a question is a whole number from 1.');
  return Response.json({ messages: await lastMessages(questionId) });
}

/**
 * The chat of a question: browsers send `{ author, text }` and get {@link ChatEvent}s.
 *
 * What anybody says goes to all by the channel, without JavaScript for each listener.
 */
export async function UPGRADE(
  client: ServerWebSocket,
  _server: SocketServer,
  _request: NextRequest,
  { params }: RouteContext<'/api/questions/[id]/chat'>,
): Promise<Response | undefined> {
  const questionId = parseId((await params).id);
  if (!questionId || !(await findQuestion(questionId))) {
    return refuse(404, 'There is no such question.');
  }
  const channel = chatChannel(questionId);
  const tell = (event: ChatEvent) => client.send(JSON.stringify(event));

  // Before the history is read: what is said meanwhile comes twice rather than not at all.
  client.subscribe(channel);
  tell({ type: 'history', messages: await lastMessages(questionId) });

  for await (const data of client) {
    const input = checkMessage(parse(data));
    if (typeof input === 'string') {
      tell({ type: 'refusal', reason: input });
      continue;
    }
    const message = await addMessage(questionId, input);
    if (message) pubsub.publish(channel, { type: 'message', message } satisfies ChatEvent);
    else tell({ type: 'refusal', reason: 'This question does not exist any more.' });
  }
  return undefined;
}

function parse(data: string | Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
