export default ({ layer, sql }) => ({
  resolvers: { User: { shout: (user) => `${user.email}!` } },
  layers: {
    User: {
      posts: layer(({ parents }) => sql`select * from posts where author_id = any(${parents.id})`, {
        on: { id: 'author_id' },
      }),
      postCount: layer(({ parents }) => parents.id.map(() => 0)),
    },
  },
});
