prisma.user.findMany({
  where: { posts: { some: { published: true } }, manager: { is: null } },
  select: { id: true },
});
