import { Prisma, type PrismaClient, type Role } from '../generated/client/client.ts';

/** Random numbers that are the same in every run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  some<T>(values: readonly T[], most: number): T[] {
    return Array.from({ length: 1 + this.below(most) }, () => this.pick(values));
  }
}

export const ROLES: readonly Role[] = ['ADMIN', 'EDITOR', 'READER'];
export const WORDS = [
  '',
  'a',
  'Ä',
  'alpha',
  'Beta',
  '100%',
  'under_score',
  "o'hara",
  '"q"',
  'back\\slash',
  '😀',
];

/** Fills the tables. */
export async function seed(prisma: PrismaClient, random: Random): Promise<void> {
  await prisma.tag.createMany({ data: WORDS.map((name, index) => ({ id: index + 1, name })) });
  const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  await prisma.user.createMany({
    data: ids(25).map((id) => ({
      id,
      email: `user${id}@example.org`,
      name: random.chance(0.2) ? null : random.pick(WORDS),
      role: random.pick(ROLES),
      karma: random.below(7) - 3,
      createdAt: new Date(Date.UTC(2024, random.below(12), 1 + random.below(28), random.below(24))),
      managerId: id > 3 && random.chance(0.7) ? 1 + random.below(id - 1) : null,
    })),
  });
  await prisma.profile.createMany({
    data: ids(25)
      .filter(() => random.chance(0.5))
      .map((userId, index) => ({ id: index + 1, userId, bio: random.pick(WORDS) })),
  });
  await prisma.post.createMany({
    data: ids(60).map((id) => ({
      id,
      title: `${random.pick(WORDS)} ${id}`,
      body: random.pick(WORDS),
      published: random.chance(0.5),
      views: random.below(5),
      rating: random.chance(0.3) ? null : new Prisma.Decimal(random.below(50_000)).div(10_000),
      authorId: 1 + random.below(25),
    })),
  });
  const tagged = ids(60).flatMap((id) =>
    [...new Set(random.some(ids(WORDS.length), 3))].map(
      (tag) => Prisma.sql`(${id}::int, ${tag}::int)`,
    ),
  );
  await prisma.$executeRaw`insert into "_PostToTag" values ${Prisma.join(tagged)}`;
  await prisma.comment.createMany({
    data: Array.from({ length: 90 }, (_, index) => ({
      id: index + 1,
      text: random.pick(WORDS),
      postId: 1 + random.below(60),
      authorId: 1 + random.below(25),
    })),
  });
  await prisma.reading.createMany({
    data: Array.from({ length: 40 }, (_, index) => ({
      sensor: `s${index % 4}`,
      takenAt: new Date(Date.UTC(2024, 0, 1 + (index >> 2))),
      value: random.next() * 10,
      amount: BigInt(random.below(1e9)) * 1_000_000_007n,
    })),
  });
  await prisma.everything.createMany({ data: ids(15).map((id) => everything(id, random)) });
}

function everything(id: number, random: Random): Prisma.EverythingCreateManyInput {
  const maybe = <T>(value: T): T | null => (random.chance(0.2) ? null : value);
  const time = () =>
    new Date(Date.UTC(1960 + random.below(100), random.below(12), 1, 0, 0, 0, random.below(1000)));
  const uuid = () => `00000000-0000-4000-8000-${String(random.below(9)).padStart(12, '0')}`;
  return {
    id,
    string: maybe(random.pick(WORDS)),
    varchar: maybe(random.pick(WORDS)),
    char: maybe('ab'),
    uuid: maybe(uuid()),
    inet: maybe(`10.0.0.${random.below(9)}`),
    bit: maybe('0110'),
    int: maybe(random.below(9)),
    smallint: maybe(random.below(9)),
    oid: maybe(random.below(9)),
    bigint: maybe(BigInt(random.below(9)) * 10n ** 17n),
    float: maybe(random.next()),
    real: maybe(random.below(9) / 4),
    decimal: maybe(new Prisma.Decimal(random.below(9)).div(8)),
    money: maybe(new Prisma.Decimal(random.below(900)).div(100)),
    boolean: maybe(random.chance(0.5)),
    timestamp: maybe(time()),
    timestamptz: maybe(time()),
    date: maybe(new Date(Date.UTC(2024, 0, 1 + random.below(9)))),
    time: maybe(new Date(Date.UTC(1970, 0, 1, random.below(24), 0, 0, random.below(1000)))),
    json: maybe({ a: random.below(3) }) ?? Prisma.DbNull,
    jsonb: maybe({ a: random.below(3), b: [random.pick(WORDS)] }) ?? Prisma.JsonNull,
    bytes: maybe(new Uint8Array([random.below(4), 255])),
    role: maybe(random.pick(ROLES)),
    strings: random.some(WORDS, 3),
    uuids: [uuid()],
    ints: random.some([1, 2, 3], 3),
    bigints: [BigInt(random.below(9))],
    floats: [random.next()],
    decimals: [new Prisma.Decimal(random.below(9)).div(8)],
    booleans: [random.chance(0.5)],
    timestamps: [time()],
    timestamptzs: [time()],
    dates: [new Date(Date.UTC(2024, 0, 1 + random.below(9)))],
    jsons: [{ a: random.pick(WORDS) }],
    bytess: [new Uint8Array([random.below(4)])],
    roles: random.some(ROLES, 3),
  };
}
