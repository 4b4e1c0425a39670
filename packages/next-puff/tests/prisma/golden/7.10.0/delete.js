prisma.tag.delete({ where: { id: 1 } });
