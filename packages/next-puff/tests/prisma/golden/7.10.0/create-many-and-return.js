prisma.tag.createManyAndReturn({ data: [{ name: 'a' }] });
