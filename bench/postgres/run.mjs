// Question: how fast are statements through next-puff, against node-postgres and postgres.js?
//
// Every contestant has a pool of ten connections and runs prepared statements on a server that this
// program starts. First all of them must give the same answers; then they take turns.
import assert from 'node:assert';
import { startTemporaryPostgres } from 'next-puff/embedded';

const ROUNDS = 9;
const ROUND_MS = 400;
const POOL = 10;

const server = await startTemporaryPostgres({ settings: { fsync: 'off', max_connections: '100' } });
process.env.DATABASE_URL = server.url;
// After DATABASE_URL: pools read it when they are made.
const { postgres } = await import('next-puff/postgres');
const { default: puffPg } = await import('next-puff/pg');
const { default: pg } = await import('pg');
const { default: postgresJs } = await import('postgres');

const puffPool = new puffPg.Pool({ connectionString: server.url, max: POOL });
const pgPool = new pg.Pool({ connectionString: server.url, max: POOL });
const address = new URL(server.url);
const js = postgresJs({
  host: address.searchParams.get('host') ?? address.hostname,
  port: Number(address.searchParams.get('port') || address.port || 5432),
  user: decodeURIComponent(address.username),
  password: decodeURIComponent(address.password),
  database: address.pathname.slice(1),
  max: POOL,
});

const columns = 'id, name, price, created, active';
const texts = {
  one: `select ${columns} from items where id = $1`,
  many: `select ${columns} from items where id <= $1 order by id`,
  insert: 'insert into written (name, price) values ($1, $2)',
};
const named = (name, values) => ({ name, text: texts[name], values });

const contestants = {
  'next-puff postgres': {
    one: (id) => postgres.query(texts.one, [id]),
    many: (count) => postgres.query(texts.many, [count]),
    insert: (name, price) => postgres.query(texts.insert, [name, price]),
  },
  'next-puff/pg': {
    one: async (id) => (await puffPool.query(named('one', [id]))).rows,
    many: async (count) => (await puffPool.query(named('many', [count]))).rows,
    insert: (name, price) => puffPool.query(named('insert', [name, price])),
  },
  'pg 8.23.1': {
    one: async (id) => (await pgPool.query(named('one', [id]))).rows,
    many: async (count) => (await pgPool.query(named('many', [count]))).rows,
    insert: (name, price) => pgPool.query(named('insert', [name, price])),
  },
  'postgres 3.4.9': {
    one: (id) => js`select id, name, price, created, active from items where id = ${id}`,
    many: (count) =>
      js`select id, name, price, created, active from items where id <= ${count} order by id`,
    insert: (name, price) => js`insert into written (name, price) values (${name}, ${price})`,
  },
};

const questions = {
  'point select, 1 in flight': [1, ({ one }, run) => one(1 + (run % 1000))],
  'point select, 64 in flight': [64, ({ one }, run) => one(1 + (run % 1000))],
  '100 rows, 1 in flight': [1, ({ many }) => many(100)],
  '1,000 rows, 1 in flight': [1, ({ many }) => many(1000)],
  '1,000 rows, 8 in flight': [8, ({ many }) => many(1000)],
  'insert, 1 in flight': [1, ({ insert }, run) => insert(`name ${run}`, run / 7)],
  'insert, 64 in flight': [64, ({ insert }, run) => insert(`name ${run}`, run / 7)],
};

try {
  await prepare();
  await checkAnswers();
  for (const [title, [width, ask]] of Object.entries(questions)) await compare(title, width, ask);
} finally {
  await Promise.all([postgres.end(), puffPool.end(), pgPool.end(), js.end()]);
  await server.stop();
}

async function prepare() {
  await pgPool.query(`
    create table items (id int primary key, name text not null, price float8 not null,
                        created timestamptz not null, active boolean not null);
    insert into items
      select n, 'item number ' || n, n * 1.25 + 0.1, '2024-01-01T00:00:00Z'::timestamptz + n * interval '61 s', n % 3 = 0
      from generate_series(1, 1000) n;
    create table written (id bigint generated always as identity primary key, name text, price float8);
    analyze items`);
}

async function checkAnswers() {
  const expected = {
    one: await contestants['pg 8.23.1'].one(7),
    many: await contestants['pg 8.23.1'].many(1000),
  };
  assert.equal(expected.many.length, 1000);
  for (const [name, contestant] of Object.entries(contestants)) {
    assert.deepEqual([...(await contestant.one(7))], expected.one, name);
    assert.deepEqual([...(await contestant.many(1000))], expected.many, name);
  }
}

/** Lets the contestants take turns; a round is a time in which `width` callers ask without a pause. */
async function compare(title, width, ask) {
  const rounds = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const measured = await runRound(contestant, width, ask);
      // The first rounds warm up.
      if (round >= 0) rounds[name].push(measured);
    }
  }
  const results = Object.entries(rounds).map(([name, list]) => ({
    name,
    wall: list.map(({ wall }) => wall).sort((a, b) => a - b),
    cpu: list.map(({ cpu }) => cpu).sort((a, b) => a - b),
  }));
  const middle = (list) => list[Math.floor(list.length / 2)];
  const reference = middle(results.find(({ name }) => name.startsWith('pg ')).wall);
  console.log(
    `\n${title} (us per statement: median, spread; CPU of this process; speed against pg)`,
  );
  for (const { name, wall, cpu } of results) {
    const spread = `${wall[0].toFixed(1)}-${wall.at(-1).toFixed(1)}`;
    console.log(
      `  ${name.padEnd(20)} ${middle(wall).toFixed(1).padStart(8)}  ${spread.padStart(16)}  ${middle(cpu).toFixed(1).padStart(8)}  ${(reference / middle(wall)).toFixed(2)}x`,
    );
  }
}

async function runRound(contestant, width, ask) {
  const begin = performance.now();
  const usage = process.cpuUsage();
  let runs = 0;
  const caller = async () => {
    while (performance.now() - begin < ROUND_MS) await ask(contestant, runs++);
  };
  await Promise.all(Array.from({ length: width }, caller));
  const wall = ((performance.now() - begin) * 1000) / runs;
  const { user, system } = process.cpuUsage(usage);
  return { wall, cpu: (user + system) / runs };
}
