export default ({ layer, sql, GraphQLScalarType }) => ({
  scalars: {
    Upper: new GraphQLScalarType({
      name: 'Upper',
      serialize: (value) => String(value).toUpperCase(),
    }),
  },
  resolvers: { Role: { ADMIN: 'admin', EDITOR: 'Content Editor' } },
  layers: {
    Query: {
      users: layer.static(
        ({ args }) =>
          sql`select * from users where role = any(${args.roles}) or role = ${args.role}`,
      ),
    },
  },
});
