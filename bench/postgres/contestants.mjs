// The drivers: each has a pool of ten connections and runs prepared statements. Every one is loaded
// only when it is made, so that a process that measures memory holds no other.

const POOL = 10;

const columns = 'id, name, price, created, active';
const texts = {
  one: `select ${columns} from items where id = $1`,
  many: `select ${columns} from items where id <= $1 order by id`,
  insert: 'insert into written (name, price) values ($1, $2)',
};

/** By name: makes a contestant for the server at `url`, which is also in `DATABASE_URL`. */
export const contestants = {
  'next-puff postgres': async () => {
    const { postgres } = await import('next-puff/postgres');
    return {
      one: (id) => postgres.query(texts.one, [id]),
      many: (count) => postgres.query(texts.many, [count]),
      insert: (name, price) => postgres.query(texts.insert, [name, price]),
      end: () => postgres.end(),
    };
  },
  'next-puff/pg': async (url) => onPool((await import('next-puff/pg')).default, url),
  'pg 8.23.1': async (url) => onPool((await import('pg')).default, url),
  'postgres 3.4.9': async (url) => {
    const { default: postgresJs } = await import('postgres');
    const address = new URL(url);
    const js = postgresJs({
      host: address.searchParams.get('host') ?? address.hostname,
      port: Number(address.searchParams.get('port') || address.port || 5432),
      user: decodeURIComponent(address.username),
      password: decodeURIComponent(address.password),
      database: address.pathname.slice(1),
      max: POOL,
    });
    return {
      one: (id) => js`select id, name, price, created, active from items where id = ${id}`,
      many: (count) =>
        js`select id, name, price, created, active from items where id <= ${count} order by id`,
      insert: (name, price) => js`insert into written (name, price) values (${name}, ${price})`,
      end: () => js.end(),
    };
  },
};

function onPool({ Pool }, connectionString) {
  const pool = new Pool({ connectionString, max: POOL });
  // pg's pool has ended before its sockets have: the server's end may reach them.
  pool.on('error', () => {});
  const query = (name, values) => pool.query({ name, text: texts[name], values });
  return {
    one: async (id) => (await query('one', [id])).rows,
    many: async (count) => (await query('many', [count])).rows,
    insert: (name, price) => query('insert', [name, price]),
    end: () => pool.end(),
  };
}

/**
 * What is asked: how many callers are in flight, how many statements measure the memory, and the
 * statement.
 */
export const questions = {
  'point select, 1 in flight': [1, 20_000, ({ one }, run) => one(1 + (run % 1000))],
  'point select, 64 in flight': [64, 50_000, ({ one }, run) => one(1 + (run % 1000))],
  '100 rows, 1 in flight': [1, 5_000, ({ many }) => many(100)],
  '1,000 rows, 1 in flight': [1, 1_000, ({ many }) => many(1000)],
  '1,000 rows, 8 in flight': [8, 1_000, ({ many }) => many(1000)],
  'insert, 1 in flight': [1, 10_000, ({ insert }, run) => insert(`name ${run}`, run / 7)],
  'insert, 64 in flight': [64, 20_000, ({ insert }, run) => insert(`name ${run}`, run / 7)],
};
