/**
 * node-postgres' interface on the native core: what uses `pg` runs on it without knowing.
 *
 * README.md beside this file says what differs.
 */
import type * as pg from 'pg';
import { DatabaseError } from 'pg-protocol';
import pgTypes from 'pg-types';
import { Client as PuffClient } from './client.js';
import { Connection as PuffConnection } from './connection.js';
import { defaults as puffDefaults } from './defaults.js';
import { escapeIdentifier, escapeLiteral } from './escaping.js';
import { Pool as PuffPool, type PoolConfig as PuffPoolConfig } from './pool.js';
import { Query as PuffQuery } from './query.js';
import { Result as PuffResult } from './result.js';
import { TypeOverrides as PuffTypeOverrides } from './type-overrides.js';

// The types are node-postgres' own, so that one can stand for the other everywhere.
const Client = PuffClient as unknown as typeof pg.Client;
const Pool = PuffPool as unknown as typeof pg.Pool & (new (config?: PoolConfig) => pg.Pool);
const Query = PuffQuery as unknown as typeof pg.Query;
const Result = PuffResult as unknown as typeof pg.Result;
const Connection = PuffConnection as unknown as typeof pg.Connection;
const TypeOverrides = PuffTypeOverrides as unknown as typeof pg.TypeOverrides;
const defaults = puffDefaults as unknown as typeof pg.defaults;
const types: typeof pg.types = pgTypes;
const native: typeof pg.native = null;

/** node-postgres' options of a pool, and ours. */
interface PoolConfig extends pg.PoolConfig, Pick<PuffPoolConfig, 'joinsTransactions'> {}

type Client = pg.Client;
type ClientBase = pg.ClientBase;
type Pool = pg.Pool;
type PoolClient = pg.PoolClient;
type Query = pg.Query;
type Result = pg.Result;
type Connection = pg.Connection;

const named = {
  Client,
  Connection,
  DatabaseError,
  Pool,
  Query,
  Result,
  TypeOverrides,
  defaults,
  escapeIdentifier,
  escapeLiteral,
  types,
};
// There is no second implementation on libpq; as in node-postgres it is not listed.
const all: typeof named & { native: typeof native } = Object.defineProperty(
  named as typeof named & { native: typeof native },
  'native',
  { value: native, configurable: true },
);

export type {
  ClientConfig,
  CustomTypesConfig,
  FieldDef,
  Notification,
  QueryArrayConfig,
  QueryArrayResult,
  QueryConfig,
  QueryResult,
  QueryResultRow,
  Submittable,
} from 'pg';
export type { ClientBase, PoolClient, PoolConfig };
// The second is what `require` gives.
export {
  all as default,
  all as 'module.exports',
  Client,
  Connection,
  DatabaseError,
  defaults,
  escapeIdentifier,
  escapeLiteral,
  native,
  Pool,
  Query,
  Result,
  TypeOverrides,
  types,
};
