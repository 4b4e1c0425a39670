prisma.user.findMany({ where: { name: 'x', karma: { gt: 3 } }, orderBy: { id: 'desc' }, take: 5 });
