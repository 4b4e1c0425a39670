import { type ColumnType, ColumnTypeEnum } from '@prisma/driver-adapter-utils';

const { Text, TextArray } = ColumnTypeEnum;

/** Prisma's types by the OIDs of `pg_type.dat`: a scalar's, its array's, and what they are to Prisma. */
const BUILT_IN: readonly [scalar: number, array: number, type: ColumnType, list: ColumnType][] = [
  [16, 1000, ColumnTypeEnum.Boolean, ColumnTypeEnum.BooleanArray],
  [17, 1001, ColumnTypeEnum.Bytes, ColumnTypeEnum.BytesArray],
  [18, 1002, ColumnTypeEnum.Character, ColumnTypeEnum.CharacterArray], // "char"
  [20, 1016, ColumnTypeEnum.Int64, ColumnTypeEnum.Int64Array],
  [21, 1005, ColumnTypeEnum.Int32, ColumnTypeEnum.Int32Array],
  [23, 1007, ColumnTypeEnum.Int32, ColumnTypeEnum.Int32Array],
  [26, 1028, ColumnTypeEnum.Int64, ColumnTypeEnum.Int64Array], // oid
  [114, 199, ColumnTypeEnum.Json, ColumnTypeEnum.JsonArray],
  [700, 1021, ColumnTypeEnum.Float, ColumnTypeEnum.FloatArray],
  [701, 1022, ColumnTypeEnum.Double, ColumnTypeEnum.DoubleArray],
  [790, 791, ColumnTypeEnum.Numeric, ColumnTypeEnum.NumericArray], // money
  [1082, 1182, ColumnTypeEnum.Date, ColumnTypeEnum.DateArray],
  [1083, 1183, ColumnTypeEnum.Time, ColumnTypeEnum.TimeArray],
  [1114, 1115, ColumnTypeEnum.DateTime, ColumnTypeEnum.DateTimeArray],
  [1184, 1185, ColumnTypeEnum.DateTime, ColumnTypeEnum.DateTimeArray],
  [1266, 1270, ColumnTypeEnum.Time, ColumnTypeEnum.TimeArray], // timetz
  [1700, 1231, ColumnTypeEnum.Numeric, ColumnTypeEnum.NumericArray],
  [2950, 2951, ColumnTypeEnum.Uuid, ColumnTypeEnum.UuidArray],
  [3802, 3807, ColumnTypeEnum.Json, ColumnTypeEnum.JsonArray],
];

const byOid = new Map<number, ColumnType>(
  BUILT_IN.flatMap(([scalar, array, type, list]) => [
    [scalar, type],
    [array, list],
  ]),
);

/** The OIDs whose text is not what Prisma reads. */
export const MONEY = 790;
export const MONEY_ARRAY = 791;
export const TIMETZ = 1266;
export const TIMETZ_ARRAY = 1270;

/**
 * What a column is to Prisma; only raw queries look at it. What Prisma has no type for is the text
 * that PostgreSQL prints, or a list of such.
 */
export function columnTypeOf(typeOid: number, isArray: boolean): ColumnType {
  return byOid.get(typeOid) ?? (isArray ? TextArray : Text);
}
