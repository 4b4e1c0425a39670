import pgTypes from 'pg-types';

const INT4 = 23;
const INT8 = 20;
const INT4_ARRAY = 1007 as never;
const INT8_ARRAY = 1016 as never;
const parseInt8 = pgTypes.getTypeParser(INT8, 'text');
const parseInt8Array = pgTypes.getTypeParser(INT8_ARRAY, 'text');

/**
 * What clients and pools fall back to after their options and the `PG*` environment; can be changed,
 * as node-postgres' `defaults`.
 */
export const defaults = {
  host: 'localhost',
  user: process.platform === 'win32' ? process.env.USERNAME : process.env.USER,
  database: undefined as string | undefined,
  password: null as string | null,
  connectionString: undefined as string | undefined,
  port: 5432,
  rows: 0,
  binary: false,
  max: 10,
  idleTimeoutMillis: 30_000,
  client_encoding: '',
  ssl: false as boolean | object,
  application_name: undefined as string | undefined,
  fallback_application_name: undefined as string | undefined,
  options: undefined as string | undefined,
  /** Whether Date parameters are written in UTC; otherwise in the local time with its offset. */
  parseInputDatesAsUTC: false,
  statement_timeout: false as false | number,
  lock_timeout: false as false | number,
  idle_in_transaction_session_timeout: false as false | number,
  query_timeout: false as false | number,
  /** Whether `int8` becomes a number everywhere; it loses digits from 2^53 on. */
  set parseInt8(isNumber: boolean) {
    const [one, many] = isNumber
      ? [pgTypes.getTypeParser(INT4, 'text'), pgTypes.getTypeParser(INT4_ARRAY, 'text')]
      : [parseInt8, parseInt8Array];
    pgTypes.setTypeParser(INT8, 'text', one);
    pgTypes.setTypeParser(INT8_ARRAY, 'text', many);
  },
};
