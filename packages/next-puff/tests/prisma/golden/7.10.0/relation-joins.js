joins.user.findMany({
  select: {
    id: true,
    posts: { select: { title: true, rating: true, tags: true } },
    manager: { select: { role: true } },
  },
});
