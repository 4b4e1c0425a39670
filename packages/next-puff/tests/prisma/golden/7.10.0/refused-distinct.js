prisma.user.findMany({ distinct: ['name'] });
