prisma.user.findMany({ where: { role: 'EDITOR' }, select: { role: true } });
