prisma.tag.upsert({ where: { name: 'a' }, create: { name: 'a' }, update: { name: 'b' } });
