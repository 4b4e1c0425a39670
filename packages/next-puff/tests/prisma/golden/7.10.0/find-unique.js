prisma.user.findUnique({ where: { email: 'a' }, select: { id: true } });
