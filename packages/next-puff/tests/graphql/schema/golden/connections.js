export default ({ connection, sql }) => ({
  Query: {
    page: connection({
      rows: ({ args }) => sql`select * from users where email like ${args.search}`,
      orderBy: [{ column: 'created_at', direction: 'desc' }, 'id'],
      pageSize: { default: 10, max: 50 },
    }),
    forwardPage: connection({ rows: () => sql`select * from users`, orderBy: ['email', 'id'] }),
  },
  User: {
    postPage: connection({
      rows: ({ parent }) => sql`select * from posts where author_id = ${parent}`,
      orderBy: [{ column: 'id', direction: 'desc' }],
      perParent: { column: 'id', type: 'int4' },
    }),
  },
});
