prisma.user.findMany({ where: { createdAt: { gt: new Date(0) } }, select: { createdAt: true } });
