#!/usr/bin/env node
// What Prisma starts in the place of its native schema engine: PRISMA_SCHEMA_ENGINE_BINARY names this file.
import { main } from '../dist/migrate/schema-engine/program.js';

await main(process.argv.slice(2));
