prisma.tag.deleteMany({ where: { name: { endsWith: 'x' } } });
