export default ({ layer, prisma }) => ({
  Mutation: {
    addTag: layer.static(({ args }) => prisma.tag.create({ data: { name: args.name } })),
    rename: layer.static(({ args }) =>
      prisma.user.updateManyAndReturn({ where: { id: args.id }, data: { name: args.name } }),
    ),
    setRole: layer.static(({ args }) =>
      prisma.user.updateManyAndReturn({ where: { id: args.id }, data: { role: args.role } }),
    ),
  },
});
