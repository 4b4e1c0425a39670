prisma.post.aggregate({ _avg: { rating: true }, _max: { title: true }, _count: true });
