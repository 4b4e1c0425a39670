import { Prisma } from '../generated/client/client.ts';
import { type Random, ROLES, WORDS } from './seed.ts';

/** A query as the name of a model, of a method and its arguments. */
export interface RandomQuery {
  model: string;
  method: string;
  args: Record<string, unknown>;
}

type Input = Record<string, unknown>;

/** Compares numbers, times and the like with one, or with several values. */
function comparison<T>(random: Random, value: () => T, isNullable = false): unknown {
  const values = () => Array.from({ length: 1 + random.below(4) }, value);
  switch (random.below(isNullable ? 9 : 7)) {
    case 0:
      return value();
    case 1:
      return { in: values() };
    case 2:
      return { notIn: values() };
    case 3:
      return { gt: value() };
    case 4:
      return { lte: value() };
    case 5:
      return { not: value() };
    case 6:
      return { gte: value(), not: { in: values() } };
    case 7:
      return null;
    default:
      return { not: null };
  }
}

function text(random: Random, isNullable = false): unknown {
  const word = random.pick(WORDS);
  const mode = random.chance(0.3) ? { mode: 'insensitive' } : {};
  switch (random.below(5)) {
    case 0:
      return { contains: word, ...mode };
    case 1:
      return { startsWith: word, ...mode };
    case 2:
      return { not: { endsWith: word } };
    default:
      return comparison(random, () => random.pick(WORDS), isNullable);
  }
}

const id = (random: Random) => () => 1 + random.below(60);
const time = (random: Random) => () => new Date(Date.UTC(2024, random.below(12), 1));

function conditions(random: Random, fields: Record<string, () => unknown>, depth: number): Input {
  const names = Object.keys(fields);
  const where: Input = {};
  for (const name of random.some(names, 3)) where[name] = (fields[name] as () => unknown)();
  if (depth > 0 && random.chance(0.4)) {
    const logic = random.pick(['AND', 'OR', 'NOT']);
    where[logic] = Array.from({ length: 1 + random.below(2) }, () =>
      conditions(random, fields, depth - 1),
    );
  }
  return where;
}

function userWhere(random: Random, depth = 2): Input {
  const fields: Record<string, () => unknown> = {
    id: () => comparison(random, id(random)),
    email: () => comparison(random, () => `user${random.below(30)}@example.org`),
    name: () => text(random, true),
    role: () => (random.chance(0.5) ? random.pick(ROLES) : { in: random.some(ROLES, 2) }),
    karma: () => comparison(random, () => random.below(7) - 3),
    createdAt: () => comparison(random, time(random)),
    managerId: () => comparison(random, id(random), true),
  };
  if (depth > 0) {
    fields.posts = () => ({
      [random.pick(['some', 'every', 'none'])]: postWhere(random, depth - 1),
    });
    fields.manager = () => (random.chance(0.3) ? null : userWhere(random, depth - 1));
    fields.profile = () => (random.chance(0.5) ? null : { bio: text(random) });
  }
  return conditions(random, fields, depth);
}

function postWhere(random: Random, depth = 2): Input {
  const fields: Record<string, () => unknown> = {
    id: () => comparison(random, id(random)),
    title: () => text(random),
    published: () => random.chance(0.5),
    views: () => comparison(random, () => random.below(5)),
    rating: () => comparison(random, () => new Prisma.Decimal(random.below(5)), true),
  };
  if (depth > 0) {
    fields.author = () => userWhere(random, depth - 1);
    fields.tags = () => ({ [random.pick(['some', 'none'])]: { name: text(random) } });
  }
  return conditions(random, fields, depth);
}

function everythingWhere(random: Random): Input {
  const date = () => new Date(Date.UTC(2024, 0, 1 + random.below(9)));
  const uuid = () => `00000000-0000-4000-8000-${String(random.below(9)).padStart(12, '0')}`;
  return conditions(
    random,
    {
      string: () => text(random, true),
      varchar: () => text(random, true),
      uuid: () => comparison(random, uuid, true),
      int: () => comparison(random, () => random.below(9), true),
      smallint: () => comparison(random, () => random.below(9), true),
      bigint: () => comparison(random, () => BigInt(random.below(9)) * 10n ** 17n, true),
      float: () => comparison(random, () => random.next(), true),
      real: () => comparison(random, () => random.below(9) / 4, true),
      decimal: () => comparison(random, () => new Prisma.Decimal(random.below(9)).div(8), true),
      boolean: () => random.pick([true, false, null]),
      timestamp: () => comparison(random, time(random), true),
      timestamptz: () => comparison(random, time(random), true),
      date: () => comparison(random, date, true),
      bytes: () => ({
        [random.pick(['in', 'notIn'])]: random
          .some([0, 1, 2, 3], 3)
          .map((byte) => new Uint8Array([byte, 255])),
      }),
      role: () =>
        random.chance(0.5) ? random.pick([...ROLES, null]) : { notIn: [random.pick(ROLES)] },
      jsonb: () => ({ path: ['a'], equals: random.below(3) }),
      strings: () => ({ [random.pick(['hasSome', 'hasEvery', 'equals'])]: random.some(WORDS, 3) }),
      ints: () => (random.chance(0.5) ? { has: random.below(4) } : { isEmpty: random.chance(0.5) }),
      roles: () => ({ has: random.pick(ROLES) }),
    },
    1,
  );
}

/** A query of any kind that reads. */
export function randomQuery(random: Random, relations: boolean): RandomQuery {
  const model = random.pick(['user', 'post', 'everything', 'reading']);
  const where = () => {
    if (model === 'user') return userWhere(random);
    if (model === 'post') return postWhere(random);
    if (model === 'everything') return everythingWhere(random);
    return conditions(
      random,
      {
        sensor: () => comparison(random, () => `s${random.below(5)}`),
        takenAt: () => comparison(random, () => new Date(Date.UTC(2024, 0, 1 + random.below(12)))),
        amount: () => comparison(random, () => BigInt(random.below(1e9))),
        value: () => comparison(random, () => random.below(10)),
      },
      1,
    );
  };
  const key =
    model === 'reading'
      ? [{ sensor: 'asc' }, { takenAt: 'desc' }]
      : [{ id: random.pick(['asc', 'desc']) }];
  const page: Input = {};
  if (random.chance(0.5)) page.take = 1 + random.below(8);
  if (random.chance(0.3)) page.skip = random.below(4);
  switch (random.below(9)) {
    case 0:
      return { model, method: 'count', args: { where: where() } };
    case 1:
      return { model, method: 'findUnique', args: uniqueOf(model, random) };
    case 2:
      return {
        model,
        method: 'findFirst',
        args: { where: where(), orderBy: key, ...selection(model, random, relations) },
      };
    case 3:
      return {
        model: 'user',
        method: 'groupBy',
        args: {
          by: ['role'],
          where: userWhere(random),
          _count: true,
          _sum: { karma: true },
          _max: { createdAt: true },
          orderBy: { role: 'asc' },
        },
      };
    case 4:
      return {
        model: 'post',
        method: 'aggregate',
        args: {
          where: postWhere(random),
          _avg: { rating: true, views: true },
          _min: { title: true },
          _sum: { rating: true },
          _count: { rating: true },
        },
      };
    default:
      return {
        model,
        method: 'findMany',
        args: { where: where(), orderBy: key, ...page, ...selection(model, random, relations) },
      };
  }
}

function uniqueOf(model: string, random: Random): Input {
  if (model === 'reading') {
    const takenAt = new Date(Date.UTC(2024, 0, 1 + random.below(12)));
    return { where: { sensor_takenAt: { sensor: `s${random.below(5)}`, takenAt } } };
  }
  if (model === 'user' && random.chance(0.5)) {
    return { where: { email: `user${random.below(30)}@example.org` } };
  }
  return { where: { id: 1 + random.below(30) } };
}

function selection(model: string, random: Random, relations: boolean): Input {
  const nested = (input: Input) => (relations ? input : {});
  if (model === 'user' && random.chance(0.6)) {
    return {
      select: {
        id: true,
        role: true,
        ...(random.chance(0.5) && { _count: { select: { posts: true, reports: true } } }),
        ...nested({
          posts: {
            select: {
              id: true,
              title: true,
              published: true,
              comments: { select: { text: true }, orderBy: { id: 'asc' } },
            },
            where: { views: { gt: random.below(3) } },
            orderBy: { id: 'desc' },
            ...(random.chance(0.5) && { take: 2 }),
          },
          manager: { select: { email: true, role: true, createdAt: true } },
          profile: true,
        }),
      },
    };
  }
  if (model === 'post' && relations && random.chance(0.6)) {
    return {
      include: { author: { select: { name: true, role: true } }, tags: { orderBy: { id: 'asc' } } },
    };
  }
  return {};
}
