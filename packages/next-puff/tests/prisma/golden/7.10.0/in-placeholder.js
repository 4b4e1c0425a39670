prisma.user.findMany({ where: { id: { in: param('ids', 'Int[]') } }, select: { id: true } });
