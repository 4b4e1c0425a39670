prisma.user.findMany({ where: { role: { in: ['EDITOR', 'ADMIN'] } }, select: { role: true } });
