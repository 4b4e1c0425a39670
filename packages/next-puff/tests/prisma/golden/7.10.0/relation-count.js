prisma.user.findMany({ select: { _count: { select: { posts: true } } } });
