prisma.user.findFirstOrThrow({ select: { id: true } });
