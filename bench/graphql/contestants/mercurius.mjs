// mercurius on fastify as its documentation says for speed: compiled queries (graphql-jit), loaders,
// node-postgres with prepared statements written by hand.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import pg from 'pg';
import { DateTime, groupBy, POOL_SIZE, typeDefs } from './schema.mjs';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: POOL_SIZE });
// With a name node-postgres keeps the statement prepared on each connection.
const statement = (name, text) => async (values) => (await pool.query({ name, text, values })).rows;

const question = 'select id, question_text as "questionText", pub_date as "pubDate" from question';
const selectQuestions = statement('questions', `${question} where id > $2 order by id limit $1`);
const selectQuestion = statement('question', `${question} where id = $1`);
const selectChoices = statement(
  'choices',
  `select id, question_id as "questionId", choice_text as "choiceText", votes
   from choice where question_id = any($1::int[]) order by id`,
);
const vote = 'id, choice_id as "choiceId", voter_name as "voterName", created_at as "createdAt"';
const selectVotes = statement(
  'votes',
  `select ${vote} from vote where choice_id = any($1::int[]) order by id`,
);
const insertVote = statement(
  'createVote',
  `insert into vote (choice_id, voter_name) values ($1, $2) returning ${vote}`,
);

const childrenBy = (select, column) => ({
  async loader(queries) {
    const ids = queries.map(({ obj }) => obj.id);
    return groupBy(ids, await select([ids]), column);
  },
  // Every parent occurs once in an operation: a cache would only cost.
  opts: { cache: false },
});

const app = Fastify({ logger: false });
app.register(mercurius, {
  schema: typeDefs,
  // Compiled at the first repetition.
  jit: 1,
  graphiql: false,
  resolvers: {
    DateTime,
    Query: {
      questions: (_, { limit, after }) => selectQuestions([limit, after]),
      question: async (_, { id }) => (await selectQuestion([id]))[0] ?? null,
    },
    Mutation: {
      createVote: async (_, { choiceId, voterName }) =>
        (await insertVote([choiceId, voterName]))[0],
    },
  },
  loaders: {
    Question: { choices: childrenBy(selectChoices, 'questionId') },
    Choice: { ballots: childrenBy(selectVotes, 'choiceId') },
  },
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
