prisma.user.findFirst({ where: { email: { startsWith: 'a' } }, select: { id: true } });
