/** One query of each kind that `toSql` takes, by name; each call makes one with other values. */
export function smallQueries({ item }) {
  let id = 0;
  return {
    'findMany of all': () => item.findMany(),
    'findMany with where': () => item.findMany({ where: { id: ++id } }),
    'findMany with in and a second condition': () =>
      item.findMany({ where: { id: { in: [++id, 2, 3] }, active: true } }),
    'findMany with OR': () => item.findMany({ where: { OR: [{ id: ++id }, { name: 'x' }] } }),
    'findMany with a time': () => item.findMany({ where: { createdAt: { gt: new Date(++id) } } }),
    'findMany with orderBy and take': () =>
      item.findMany({ where: { id: { gt: ++id } }, orderBy: { id: 'asc' }, take: 10 }),
    'findMany with select': () =>
      item.findMany({ where: { id: ++id }, select: { id: true, name: true } }),
    findFirst: () => item.findFirst({ where: { name: `item ${++id}` } }),
    count: () => item.count({ where: { id: { gt: ++id } } }),
    aggregate: () => item.aggregate({ _sum: { price: true }, where: { id: { gt: ++id } } }),
    groupBy: () => item.groupBy({ by: ['active'], _count: true, where: { id: { gt: ++id } } }),
    create: () => item.create({ data: { name: `item ${++id}`, price: 1.5, active: true } }),
    createMany: () => item.createMany({ data: [{ name: `item ${++id}`, price: 1, active: true }] }),
    update: () => item.update({ where: { id: ++id }, data: { name: 'x' } }),
    updateMany: () => item.updateMany({ where: { id: ++id }, data: { price: { increment: 1 } } }),
    delete: () => item.delete({ where: { id: ++id } }),
    deleteMany: () => item.deleteMany({ where: { id: ++id } }),
  };
}
