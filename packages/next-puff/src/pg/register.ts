// `node --import next-puff/pg/register program.js`: `pg` is next-puff/pg in the whole program.
import { redirectPackage } from '../patch/redirect.cjs';

redirectPackage('pg');
