// They have no types of their own, and only their behaviour is of interest here.
declare module 'connect-pg-simple';
declare module 'express-session';
declare module 'knex/lib/dialects/postgres/index.js';
declare module 'pg-copy-streams';
declare module 'pg-cursor';
