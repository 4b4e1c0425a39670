export default ({ layer, prisma }) => ({
  Query: {
    users: layer.static(({ args }) =>
      prisma.user.findMany({
        where: {
          id: { gt: args.after },
          role: args.role,
          createdAt: { gte: args.filter.created.from, lt: args.until },
          name: { contains: args.name },
          email: { in: args.emails },
          karma: 7,
          posts: { some: { title: args.filter.name, id: { in: args.filter.ids } } },
        },
        orderBy: { id: 'asc' },
        take: 100,
      }),
    ),
    user: layer.static(({ args }) => prisma.user.findUnique({ where: { id: args.id } }), {
      pins: { id: 'id' },
    }),
    userCount: layer.static(({ args }) =>
      prisma.user.count({ where: { karma: { gte: args.min } } }),
    ),
  },
});
