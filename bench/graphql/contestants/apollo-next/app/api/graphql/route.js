// Apollo Server, Prisma and DataLoader in a route handler: what most Next.js apps with GraphQL have.
import { ApolloServer } from '@apollo/server';
import { startServerAndCreateNextHandler } from '@as-integrations/next';
import { PrismaPg } from '@prisma/adapter-pg';
import DataLoader from 'dataloader';
import { PrismaClient } from '../../../../generated';
import { DateTime, groupBy, POOL_SIZE, typeDefs } from '../../../../schema.mjs';

const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL, max: POOL_SIZE }),
});

const orderBy = { id: 'asc' };

const resolvers = {
  DateTime,
  Query: {
    questions: (_, { limit, after }) =>
      prisma.question.findMany({ where: { id: { gt: after } }, orderBy, take: limit }),
    question: (_, { id }) => prisma.question.findUnique({ where: { id } }),
  },
  Mutation: {
    createVote: (_, data) => prisma.vote.create({ data }),
  },
  Question: { choices: ({ id }, _, { choices }) => choices.load(id) },
  Choice: { ballots: ({ id }, _, { ballots }) => ballots.load(id) },
};

/** The loaders of one operation. */
async function context() {
  const choices = new DataLoader(async (ids) => {
    const rows = await prisma.choice.findMany({ where: { questionId: { in: [...ids] } }, orderBy });
    return groupBy(ids, rows, 'questionId');
  });
  const ballots = new DataLoader(async (ids) => {
    const rows = await prisma.vote.findMany({ where: { choiceId: { in: [...ids] } }, orderBy });
    return groupBy(ids, rows, 'choiceId');
  });
  return { choices, ballots };
}

const handler = startServerAndCreateNextHandler(new ApolloServer({ typeDefs, resolvers }), {
  context,
});

export const GET = (request) => handler(request);
export const POST = (request) => handler(request);
