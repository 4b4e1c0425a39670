export type { PoolStatus } from '../native.js';
export { type Postgres, type PostgresTransaction, postgres } from './postgres.js';
export type {
  ExecuteResult,
  Queryable,
  QueryOptions,
  Row,
  StreamOptions,
} from './queryable.js';
export { JsonValue, Sql, type SqlTag, sql } from './sql.js';
export type { TransactionOptions } from './transaction.js';
