prisma.user.findMany({
  where: { id: { in: [1, 2, 3] }, email: { notIn: ['a'] } },
  select: { id: true },
});
