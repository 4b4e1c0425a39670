prisma.user.groupBy({
  by: ['role'],
  _sum: { karma: true },
  having: { karma: { _sum: { gt: 1 } } },
  orderBy: { role: 'asc' },
});
