prisma.post.create({ data: { title: 't', authorId: 1, rating: '1.50' }, select: { id: true } });
