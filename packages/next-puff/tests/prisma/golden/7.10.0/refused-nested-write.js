prisma.user.update({ where: { id: 1 }, data: { posts: { create: { title: 't' } } } });
