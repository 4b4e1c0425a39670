export default ({ layer, prisma, Prisma }) => ({
  User: {
    posts: layer.static(
      ({ parents }) =>
        prisma.post.findMany({
          where: { authorId: { in: parents.id } },
          orderBy: { id: 'asc' },
        }),
      { on: { id: 'authorId' } },
    ),
    postCount: layer.static(
      ({ parents }) =>
        prisma.post.groupBy({
          by: ['authorId'],
          where: { authorId: { in: parents.id } },
          _count: { _all: true },
        }),
      { on: { id: 'authorId' }, default: 0 },
    ),
    manager: layer.static(
      ({ parents }) => prisma.user.findMany({ where: { id: { in: parents.managerId } } }),
      { on: { managerId: 'id' } },
    ),
    tags: layer.static(
      ({ parents }) => Prisma.sql`
        select p.author_id, t.* from "Tag" t, "Post" p where p.author_id = any(${parents.id})`,
      { on: { id: 'author_id' } },
    ),
  },
  Post: {
    author: layer.static(
      ({ parents }) => prisma.user.findMany({ where: { id: { in: parents.authorId } } }),
      { on: { authorId: 'id' } },
    ),
  },
});
