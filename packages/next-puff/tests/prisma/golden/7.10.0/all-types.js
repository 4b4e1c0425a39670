prisma.everything.findMany({
  where: {
    bigint: 1n,
    decimal: 2,
    date: new Date(0),
    bytes: new Uint8Array([1]),
    uuid: 'u',
    boolean: true,
  },
});
