// Runs benchmarks by name, or lists them: `npm run bench -- rows`.
const benchmarks = {
  rows: 'what is the fastest way to bring rows into JavaScript?',
  postgres: 'how fast are statements, against node-postgres and postgres.js?',
  graphql: 'how fast are GraphQL operations, against other servers and one written by hand?',
  server: 'what does the Rust server in front of Next.js save, against `next start`?',
  cache: 'how fast is a cached page, against `next start` with a handler for Redis from npm?',
  websockets: 'what do WebSockets cost, and how fast does a message reach all?',
  tasks: 'how many background tasks run per second, and how soon?',
  redis: 'how fast are commands of Redis, against ioredis and node-redis?',
  pubsub: 'how many messages per second reach 1,000 subscribers in another process?',
  layers: 'what does a layer that calls JavaScript add to an operation?',
  prisma: 'is Prisma faster on PrismaPuff than on adapter-pg, and what does toSql cost?',
};

const [name] = process.argv.slice(2);
if (name === undefined || !(name in benchmarks)) {
  console.log('Usage: npm run bench -- <name>\n');
  for (const [known, question] of Object.entries(benchmarks)) {
    console.log(`  ${known.padEnd(10)} ${question}`);
  }
  process.exit(name === undefined ? 0 : 2);
}
await import(`./${name}/run.mjs`);
