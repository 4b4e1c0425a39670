// `node --import next-puff/ioredis/register program.js`: `ioredis` is next-puff/ioredis in the whole program.
import { redirectPackage } from '../patch/redirect.cjs';

redirectPackage('ioredis');
