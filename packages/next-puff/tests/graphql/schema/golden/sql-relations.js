export default ({ layer, sql, column }) => ({
  User: {
    // one to many
    posts: layer.static(
      ({ parents }) => sql`select * from posts where author_id = any(${parents.id}) order by id`,
      { on: { id: 'author_id' } },
    ),
    // many to many
    tags: layer.static(
      ({ parents }) => sql`
        select ut.user_id, t.* from user_tag ut join tag t on t.id = ut.tag_id
        where ut.user_id = any(${parents.id})`,
      { on: { id: 'user_id' } },
    ),
    // aggregate
    postCount: layer.static(
      ({ parents }) => sql`
        select author_id, count(*)::int as n from posts where author_id = any(${parents.id}) group by 1`,
      { on: { id: 'author_id' }, value: 'n', default: 0 },
    ),
    // one to one
    manager: layer.static(
      ({ parents }) => sql`select * from users where id = any(${parents.managerId})`,
      { on: { managerId: 'id' } },
    ),
    email: column('email_address'),
  },
});
