// `node --import next-puff/pg/register program.js`: `pg` is next-puff/pg in the whole program.
import { redirectPg } from './redirect.cjs';

redirectPg();
