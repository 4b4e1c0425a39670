prisma.user.updateMany({ where: { id: { in: [1, 2] } }, data: { name: null } });
