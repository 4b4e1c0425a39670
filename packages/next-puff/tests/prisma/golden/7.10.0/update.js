prisma.user.update({
  where: { id: 1 },
  data: { karma: { increment: 2 }, role: 'ADMIN' },
  select: { karma: true },
});
