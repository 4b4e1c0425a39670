import { packParams } from '../../postgres/params.js';
import type { AnsweredStatement } from './protocol.js';

/**
 * A statement with its values, as an answer has it.
 *
 * @param columns columns by field, where they differ in more than snake_case
 * @throws {PostgresParameterError} for values that no parameter can be
 */
export function answeredStatement(
  sql: string,
  values: readonly unknown[],
  columns?: { [field: string]: string },
): AnsweredStatement {
  const packed = packParams(values);
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const statement = { sql, paramCount: values.length, params: bytes.toString('base64') };
  return columns === undefined ? statement : { ...statement, columns };
}
