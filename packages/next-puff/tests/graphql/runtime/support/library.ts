import SchemaBuilder from '@pothos/core';
import { GraphQLError } from 'graphql';
import { enumType, interfaceType, list, makeSchema, nonNull, objectType, stringArg } from 'nexus';

interface Author {
  id: number;
  name: string;
  level: Level;
}

interface Book {
  id: number;
  title: string;
  authorId: number;
  pages: number | null;
}

enum Level {
  Beginner = 'b',
  Master = 'm',
}

const authors: Author[] = [
  { id: 1, name: 'Ada', level: Level.Master },
  { id: 2, name: 'Bo', level: Level.Beginner },
];

const books: Book[] = Array.from({ length: 6 }, (_, index) => ({
  id: index + 1,
  title: `Book ${index + 1}`,
  authorId: (index % 2) + 1,
  pages: index === 3 ? null : index * 100,
}));

async function authorOf({ authorId }: Book): Promise<Author> {
  const author = authors.find(({ id }) => id === authorId);
  if (author === undefined) throw new Error('no author');
  return author;
}

/** The same library made with Pothos. */
export function pothosSchema() {
  const builder = new SchemaBuilder<{ Context: { user: string } }>({});
  const LevelRef = builder.enumType(Level, { name: 'Level' });
  const AuthorRef = builder.objectRef<Author>('Author').implement({
    fields: (t) => ({
      id: t.exposeID('id'),
      name: t.exposeString('name'),
      level: t.expose('level', { type: LevelRef }),
      books: t.field({
        type: [BookRef],
        resolve: (author) => books.filter(({ authorId }) => authorId === author.id),
      }),
      reader: t.string({ resolve: (author, _args, { user }) => `${user} reads ${author.name}` }),
    }),
  });
  const BookRef = builder.objectRef<Book>('Book');
  BookRef.implement({
    fields: (t) => ({
      id: t.exposeID('id'),
      title: t.exposeString('title'),
      pages: t.exposeInt('pages', { nullable: true }),
      mustHavePages: t.int({ resolve: ({ pages }) => pages as number }),
      author: t.field({ type: AuthorRef, resolve: authorOf }),
    }),
  });
  builder.queryType({
    fields: (t) => ({
      books: t.field({
        type: [BookRef],
        nullable: { list: true, items: true },
        args: { title: t.arg.string(), level: t.arg({ type: LevelRef }) },
        resolve: (_root, { title, level }) => {
          if (level) return books.filter((book) => authors[book.authorId - 1]?.level === level);
          return title ? books.filter((book) => book.title.includes(title)) : books;
        },
      }),
    }),
  });
  builder.mutationType({
    fields: (t) => ({
      lend: t.field({
        type: BookRef,
        nullable: true,
        args: { id: t.arg.id({ required: true }) },
        resolve: (_root, { id }) => {
          const book = books.find((candidate) => String(candidate.id) === id);
          if (book === undefined) throw new GraphQLError(`There is no book ${id}.`);
          return book;
        },
      }),
    }),
  });
  return builder.toSchema();
}

/** The same library made with Nexus. */
export function nexusSchema() {
  const Named = interfaceType({
    name: 'Named',
    definition(t) {
      t.nonNull.string('name');
    },
    resolveType: () => 'Author',
  });
  const LevelEnum = enumType({ name: 'Level', members: { Beginner: 'b', Master: 'm' } });
  const AuthorType = objectType({
    name: 'Author',
    definition(t) {
      t.implements('Named');
      t.nonNull.id('id');
      t.field('level', { type: 'Level' });
      t.field('books', {
        type: nonNull(list(nonNull('Book'))),
        resolve: (author: Author) => books.filter(({ authorId }) => authorId === author.id),
      });
    },
  });
  const BookType = objectType({
    name: 'Book',
    definition(t) {
      t.nonNull.id('id');
      t.nonNull.string('title');
      t.int('pages');
      t.nonNull.int('mustHavePages', { resolve: ({ pages }: Book) => pages as number });
      t.field('author', { type: 'Author', resolve: authorOf });
    },
  });
  const Query = objectType({
    name: 'Query',
    definition(t) {
      t.field('books', {
        type: list('Book'),
        args: { title: stringArg() },
        resolve: (_root: unknown, { title }: { title?: string | null }) =>
          title ? books.filter((book) => book.title.includes(title)) : books,
      });
      t.list.field('named', { type: 'Named', resolve: () => authors });
    },
  });
  return makeSchema({
    types: [Named, LevelEnum, AuthorType, BookType, Query],
    shouldGenerateArtifacts: false,
  });
}
