// Prints the schema as the engine reads it.
import { schema } from './polls.mjs';

console.log(JSON.stringify(schema.spec));
