prisma.tag.createMany({
  data: [{ name: 'a' }, { name: param('second', 'String') }],
  skipDuplicates: true,
});
