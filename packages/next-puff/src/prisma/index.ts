export { borrowDatabase, type PrismaClientLike } from './borrow-database.js';
export { PrismaPuff, type PrismaPuffOptions } from './prisma-puff.js';
export { type ParamType, Placeholder, param } from './sql/param.js';
export type {
  ColumnMapping,
  FieldMapping,
  ObjectMapping,
  RowMapping,
  ScalarType,
} from './sql/row-mapping.js';
export type { PrismaStatement, StatementOutcome } from './sql/statement.js';
export {
  type PreparableClient,
  type ToSql,
  toSql,
  type UnawaitedQuery,
  type WrittenSql,
} from './sql/to-sql.js';
