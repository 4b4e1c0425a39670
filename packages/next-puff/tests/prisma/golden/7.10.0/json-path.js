prisma.everything.findMany({
  where: { jsonb: { path: ['a', 'b'], equals: 1 } },
  select: { jsonb: true },
});
