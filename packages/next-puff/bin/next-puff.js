#!/usr/bin/env node
import { main } from '../dist/cli/main.js';

// Explicitly, because a command of the user's may leave timers or connections behind.
process.exit(await main(process.argv.slice(2)));
