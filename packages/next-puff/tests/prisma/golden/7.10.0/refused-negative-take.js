prisma.user.findMany({ take: -1 });
