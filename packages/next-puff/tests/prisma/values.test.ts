import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Prisma } from './generated/client/client.ts';
import { type PrismaClient, testDatabase } from './support/database.ts';

const database = testDatabase({ timezone: 'Europe/Berlin' });
let prisma: PrismaClient;
let reference: PrismaClient;

beforeAll(() => {
  prisma = database.client();
  reference = database.reference();
});
beforeEach(() => database.clear());

const full = {
  id: 1,
  string: 'añ€😀 "quoted" \\ back',
  varchar: 'twenty',
  char: 'ab',
  uuid: '0b0e6f3c-7a56-4d0a-9a47-2f7e8d3a1c55',
  xml: '<a b="c">d</a>',
  inet: '192.168.0.1',
  bit: '1010',
  varbit: '101',
  int: -2147483648,
  smallint: 32767,
  oid: 12345,
  bigint: 9223372036854775807n,
  float: 0.1,
  real: 1.5,
  decimal: new Prisma.Decimal('12345678901234567890.123456789012345678'),
  money: new Prisma.Decimal('-1234567.89'),
  boolean: true,
  timestamp: new Date('2024-02-29T12:34:56.789Z'),
  timestamptz: new Date('1969-12-31T23:59:59.999Z'),
  date: new Date('2024-07-01T00:00:00.000Z'),
  time: new Date('1970-01-01T10:20:30.123Z'),
  timetz: new Date('1970-01-01T23:59:59.999Z'),
  json: { a: [1, 'two', null, { b: 0.5 }], 'ü"': true },
  jsonb: 'only a string',
  bytes: new Uint8Array([0, 1, 127, 128, 255]),
  role: 'EDITOR',
  strings: ['', 'NULL', 'a,b', '{x}', '"', '\\', 'ü😀'],
  uuids: ['0b0e6f3c-7a56-4d0a-9a47-2f7e8d3a1c55'],
  inets: ['10.0.0.0/8', '::1'],
  ints: [0, -1, 2147483647],
  bigints: [-9223372036854775808n, 1n],
  floats: [0.1, -1e300, 5e-324],
  decimals: [new Prisma.Decimal('0.000000000000000000000000000001'), new Prisma.Decimal(7)],
  moneys: [new Prisma.Decimal('1234.5'), new Prisma.Decimal('-0.01')],
  booleans: [true, false],
  timestamps: [new Date('2024-02-29T12:34:56.789Z'), new Date('0099-01-01T00:00:00.000Z')],
  timestamptzs: [new Date('2024-03-31T01:30:00.000Z')],
  dates: [new Date('1999-12-31T00:00:00.000Z')],
  times: [new Date('1970-01-01T00:00:00.000Z'), new Date('1970-01-01T10:20:30.120Z')],
  jsons: [{ a: 1 }, 'text', 3, [null, true], { nested: { quote: '"\\' } }],
  bytess: [new Uint8Array([1, 2]), new Uint8Array()],
  roles: ['ADMIN', 'EDITOR', 'READER'],
} satisfies Prisma.EverythingCreateInput;

test('every type comes back as it was written', async () => {
  const created = await prisma.everything.create({ data: full });
  const read = await prisma.everything.findFirstOrThrow({ where: { id: 1 } });
  for (const row of [created, read]) expect(row).toEqual({ ...full, char: 'ab   ' });
});

test('PostgreSQL holds what adapter-pg would have written', async () => {
  await prisma.everything.create({ data: full });
  await reference.everything.create({ data: { ...full, id: 2 } });
  const rows = await prisma.$queryRaw<{ row: object }[]>`
    select to_jsonb("Everything") - 'id' as row from "Everything" order by id`;
  expect(rows[0]).toEqual(rows[1]);
});
