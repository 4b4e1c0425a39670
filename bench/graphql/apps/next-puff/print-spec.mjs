// Prints the schema as the engine reads it.
import { pollsSchema } from './polls.mjs';

console.log(JSON.stringify(pollsSchema().spec));
