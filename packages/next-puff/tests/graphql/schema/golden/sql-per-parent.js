export default ({ layer, sql, perParent }) => ({
  User: {
    posts: layer.static(({ parents, args }) =>
      perParent(
        parents.id,
        (parent) => sql`
          select * from posts where author_id = ${parent} order by id limit ${args.first}`,
        { type: 'int4' },
      ),
    ),
  },
});
