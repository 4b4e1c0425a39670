// The program of the process that serves an app: `next-puff start` and `next-puff dev` run it as a child.
// Its argument is the JSON of `ServeOptions`.
import { reportError } from '../report.js';
import { serve } from './serve.js';
import type { ServeOptions } from './serve-options.js';

try {
  await serve(JSON.parse(process.argv[2] ?? '') as ServeOptions);
} catch (error) {
  reportError(error);
  process.exit(1);
}
