prisma.everything.findMany({
  where: { ints: { has: 1 }, strings: { hasSome: ['a', 'b'] } },
  select: { ints: true },
});
