prisma.user.findMany({ include: { posts: true } });
