import { PassThrough } from 'node:stream';
import { DatabaseError, parse, serialize } from 'pg-protocol';
import { calls } from '../../boundary/calls.js';
import { PostgresError } from '../../errors.js';

/** What PostgreSQL knows of a statement before it is run. */
export interface StatementDescription {
  /** OIDs of the parameters' types. */
  parameters: number[];
  columns: DescribedColumn[];
}

/** A column of a statement's rows. */
export interface DescribedColumn {
  name: string;
  /** OID of its type. */
  type: number;
  /** OID of the table and number of the column that it is taken from as it is, otherwise 0. */
  table: number;
  attribute: number;
}

/**
 * Lets a session's server prepare a statement and describe it; nothing is run. (PostgreSQL manual,
 * "Extended Query": Parse, Describe, Sync.)
 */
export async function describeStatement(
  session: number,
  text: string,
): Promise<StatementDescription> {
  const description: StatementDescription = { parameters: [], columns: [] };
  let refusal: DatabaseError | undefined;
  const stream = new PassThrough();
  const parsed = parse(stream, (message) => {
    if (message instanceof DatabaseError) refusal ??= message;
    const { name, dataTypeIDs, fields } = message as unknown as Described;
    if (name === 'parameterDescription') description.parameters = dataTypeIDs;
    if (name === 'rowDescription') {
      description.columns = fields.map((field) => ({
        name: field.name,
        type: field.dataTypeID,
        table: field.tableID,
        attribute: field.columnID,
      }));
    }
  });
  const messages = [serialize.parse({ text }), serialize.describe({ type: 'S' }), serialize.sync()];
  await calls().submit(
    (boundary, call) => boundary.postgresRaw(call, session, Buffer.concat(messages)),
    {
      onPartial: (completion) => {
        if (completion.kind === 'chunk') stream.write(completion.bytes);
      },
    },
  );
  stream.end();
  await parsed;
  if (refusal === undefined) return description;
  const { message, code = '', detail, position } = refusal;
  throw new PostgresError(message, {
    sqlState: code,
    ...(detail !== undefined && { detail }),
    ...(position !== undefined && { position: Number(position) }),
  });
}

/** The fields of the two messages that matter here; each message has those of its own only. */
interface Described {
  name: string;
  dataTypeIDs: number[];
  fields: { name: string; dataTypeID: number; tableID: number; columnID: number }[];
}
