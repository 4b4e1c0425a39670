import { GraphQLError } from 'graphql';
import { connection, defineSchema, layer, sql, subscribe } from 'next-puff/graphql';
import type { SchemaTypes } from '../generated/schema-types';
import { announceResults, resultsChannel } from '../polls/live';
import { prisma } from '../polls/prisma';
import { knownVisitor, visitor, visitorOf } from '../polls/visitor';
import { castVote, type VoteOutcome } from '../polls/votes';
import { typeDefs } from './type-defs';

/** What an operation knows of who asks. */
export interface Context {
  visitorId: string | null;
}

// Without author_id: knowing it is being the author.
const QUESTION = sql`id, text, status, published_at, closed_at`;

/** The app's GraphQL: each layer is one statement for all of its parents, however many there are. */
export const schema = defineSchema<Context, SchemaTypes>({
  typeDefs,
  prisma: prisma(),
  context: async ({ request }) => {
    // A page that queries the schema in its own process cannot give a browser its id, the API can.
    if (!request) return { visitorId: (await knownVisitor()) ?? null };
    // The handshake of a WebSocket is nothing that Next.js has seen.
    if (request.headers.has('upgrade')) return { visitorId: visitorOf(request.headers) ?? null };
    return { visitorId: await visitor() };
  },

  layers: {
    Query: {
      questions: connection({
        rows: ({ args }) => sql`
          select ${QUESTION} from questions
          where (${args.status}::question_status is null or status = ${args.status})
            and (${args.search}::text is null or strpos(lower(text), lower(${args.search})) > 0)`,
        orderBy: [
          { column: 'published_at', direction: 'desc' },
          { column: 'id', direction: 'desc' },
        ],
        pageSize: { default: 12, max: 200 },
      }),
      question: layer.static(
        ({ args }) => sql`select ${QUESTION} from questions where id = ${args.id}`,
        { pins: { id: 'id' } },
      ),
    },

    Subscription: {
      // Each announcement runs the query again, once for all who watch the same question.
      results: subscribe.channel(({ args }) => resultsChannel(args.questionId), {
        resolve: layer.static(
          ({ args }) => sql`select ${QUESTION} from questions where id = ${args.questionId}`,
        ),
      }),
    },

    Question: {
      // A Prisma query does as well: its SQL is made once, at the start.
      choices: layer.static(
        ({ parents }) =>
          prisma().choice.findMany({
            where: { questionId: { in: parents.id } },
            orderBy: { position: 'asc' },
          }),
        { on: { id: 'questionId' } },
      ),
      voteCount: layer.static(
        ({ parents }) => sql`
          select question_id, count(*)::int as count from votes
          where question_id = any(${parents.id}) group by question_id`,
        { on: { id: 'question_id' }, value: 'count', default: 0 },
      ),
      myChoice: layer.static(
        ({ parents, context }) => sql`
          select choices.* from votes join choices on choices.id = votes.choice_id
          where votes.question_id = any(${parents.id}) and votes.voter_id = ${context.visitorId}`,
        { on: { id: 'question_id' } },
      ),
    },

    Choice: {
      votes: layer.static(
        ({ parents }) => sql`
          select choice_id, count(*)::int as count from votes
          where question_id = any(${parents.questionId}) and choice_id = any(${parents.id})
          group by choice_id`,
        { on: { id: 'choice_id' }, value: 'count', default: 0 },
      ),
      share: layer.static(
        ({ parents }) => sql`
          select choice_id, count(*) / sum(count(*)) over (partition by question_id) as share
          from votes where question_id = any(${parents.questionId})
          group by question_id, choice_id`,
        { on: { id: 'choice_id' }, value: 'share', default: 0 },
      ),
    },

    VotePayload: {
      question: layer.static(
        ({ parents }) =>
          sql`select ${QUESTION} from questions where id = any(${parents.questionId})`,
        { on: { questionId: 'id' } },
      ),
    },
  },

  resolvers: {
    Question: {
      url: ({ id, status }: { id: number; status: string }) =>
        status === 'open' ? `/polls/${id}` : `/polls/${id}/results`,
    },
    Mutation: {
      // `postgres` in castVote is on the mutation's transaction, and so are the layers below the result.
      vote: async (_root: unknown, ballot: { questionId: number; choiceId: number }) => {
        const { questionId, choiceId } = ballot;
        const outcome = await castVote({ questionId, choiceId, voterId: await visitor() });
        if (outcome !== 'counted' && outcome !== 'changed') throw refusal(outcome, ballot);
        announceResults(questionId);
        return { outcome, questionId };
      },
    },
    // What the database and `castVote` call them.
    QuestionStatus: { OPEN: 'open', CLOSED: 'closed' },
    VoteOutcome: { COUNTED: 'counted', CHANGED: 'changed' },
  },
});

/** A `GraphQLError` is for clients; the messages of all other errors stay in the log. */
function refusal(
  outcome: Exclude<VoteOutcome, 'counted' | 'changed'>,
  { questionId, choiceId }: { questionId: number; choiceId: number },
): GraphQLError {
  const [code, message] = {
    closed: ['POLL_CLOSED', `Question ${questionId} is closed.`],
    'no-such-choice': ['NO_SUCH_CHOICE', `Question ${questionId} has no choice ${choiceId}.`],
    'no-such-question': ['NO_SUCH_QUESTION', `There is no question ${questionId}.`],
  }[outcome] as [string, string];
  return new GraphQLError(message, { extensions: { code } });
}
