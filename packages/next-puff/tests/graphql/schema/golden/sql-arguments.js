export default ({ layer, sql }) => ({
  Query: {
    users: layer.static(
      ({ args, context }) => sql`select * from users
        where id > ${args.after} and org = ${context.org.id} and kind = ${'staff'} and role = ${args.filter.role}
        ${sql.join([sql`order by id`, sql`limit ${args.limit}`], sql` `)}`,
    ),
    user: layer.static(
      ({ args }) => sql`select * from ${sql.identifier('public', 'users')} where id = ${args.id}`,
      { pins: { id: 'id' } },
    ),
  },
});
