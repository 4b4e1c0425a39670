// Who is compared: how each is built and started.
import { fileURLToPath } from 'node:url';
import {
  buildNext,
  buildRust,
  CONTESTANTS,
  generatePrismaClient,
  installPackages,
  nextProgram,
  puffProgram,
  saveOutput,
} from './building.mjs';
import { OPERATIONS_FILE } from './operations.mjs';

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

const APOLLO_APP = pathOf('contestants/apollo-next');
const PUFF_APP = pathOf('apps/next-puff');
const NEXT_PUFF = puffProgram();

/**
 * By name: `build` makes a contestant ready and returns the command that starts it on a port, with
 * `PORT` and `DATABASE_URL` in the environment; `path` is where it answers.
 */
export const contestants = {
  'apollo-next': {
    what: 'Apollo Server 5, Prisma 7 and DataLoader in a Next.js route, next start',
    path: '/api/graphql',
    async build() {
      await installPackages();
      await generatePrismaClient();
      return startNext(APOLLO_APP);
    },
  },
  mercurius: {
    what: 'mercurius with JIT, loaders and node-postgres',
    path: '/graphql',
    async build() {
      await installPackages();
      return () => [process.execPath, `${CONTESTANTS}/mercurius.mjs`];
    },
  },
  native: {
    what: 'written by hand in Rust: one statement per layer, no engine',
    path: '/graphql',
    async build() {
      const folder = await buildRust(pathOf('native'));
      return (port) => [`${folder}/bench-native-layers`, `${port}`, OPERATIONS_FILE];
    },
  },
  'puff-next': {
    what: 'next-puff: graphqlRoute() under next start',
    path: '/api/graphql',
    build: () => startNext(PUFF_APP),
  },
  'puff-shortcut': {
    what: 'the same with { shortcut: true }: answered before Next.js routes the request',
    path: '/api/direct',
    build: () => startNext(PUFF_APP),
  },
  'puff-start': {
    what: 'next-puff: the same route as puff-next under next-puff start',
    path: '/api/graphql',
    async build() {
      await buildNext(PUFF_APP);
      return (port) => [
        process.execPath,
        NEXT_PUFF,
        'start',
        PUFF_APP,
        '--hostname=127.0.0.1',
        `--port=${port}`,
      ];
    },
  },
  'puff-engine': {
    what: 'the engine of next-puff behind a plain HTTP server in Rust, without Node.js',
    path: '/graphql',
    async build() {
      const schema = await saveOutput(`${PUFF_APP}/print-spec.mjs`, 'schema.json');
      const folder = await buildRust(pathOf('engine'));
      return (port) => [`${folder}/bench-engine`, `${port}`, schema];
    },
  },
};

async function startNext(app) {
  await buildNext(app);
  return (port) => [
    process.execPath,
    nextProgram(app),
    'start',
    app,
    '--hostname=127.0.0.1',
    `--port=${port}`,
  ];
}
