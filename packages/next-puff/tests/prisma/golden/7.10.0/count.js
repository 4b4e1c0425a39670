prisma.user.count({ where: { karma: 0 } });
