prisma.user.findMany({
  cursor: { id: param('after', 'Int') },
  skip: 1,
  take: 10,
  orderBy: { id: 'asc' },
  select: { id: true },
});
