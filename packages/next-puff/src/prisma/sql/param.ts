import { PuffError } from '../../errors.js';

/** The scalar types of Prisma that a placeholder can stand for; `[]` makes lists of them. */
export type ParamType =
  | 'BigInt'
  | 'Boolean'
  | 'Bytes'
  | 'DateTime'
  | 'Decimal'
  | 'Enum'
  | 'Float'
  | 'Int'
  | 'Json'
  | 'String';

const TYPES: ReadonlySet<string> = new Set<ParamType>([
  'BigInt',
  'Boolean',
  'Bytes',
  'DateTime',
  'Decimal',
  'Enum',
  'Float',
  'Int',
  'Json',
  'String',
]);

/**
 * A placeholder for a value in a query that is given to `toSql`: the query is compiled once, and
 * `bind({ name: value })` fills it in.
 *
 * It fits wherever a query takes a value of that type: in `where`, `data`, `cursor`. For `in` and
 * `notIn` give a list type, as in `param('ids', 'Int[]')`. `take`, `skip` and what decides about the
 * shape of a query cannot be placeholders. Values of enums are those that the database knows.
 *
 * @throws {PuffError} `PUFF_PRISMA_PARAM` for a type or a name that cannot be
 */
export function param(name: string, type: ParamType | `${ParamType}[]`): never {
  const isList = type.endsWith('[]');
  const scalar = isList ? type.slice(0, -2) : type;
  if (!TYPES.has(scalar)) {
    throw new PuffError('PUFF_PRISMA_PARAM', `param() has no type ${type}.`, {
      operation: 'param',
      hint: `Use one of ${[...TYPES].join(', ')}, or a list of one, as in 'Int[]'.`,
    });
  }
  // Prisma's own placeholders begin with a percent sign or an at sign.
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    throw new PuffError(
      'PUFF_PRISMA_PARAM',
      `param() cannot have the name ${JSON.stringify(name)}.`,
      {
        operation: 'param',
        hint: 'Use letters, digits and underscores.',
      },
    );
  }
  const prismaType = placeholderType(scalar);
  const value = isList
    ? { name, type: 'List', inner: { type: prismaType } }
    : { name, type: prismaType };
  const placeholder: unknown = { toJSON: () => ({ $type: 'Param', value }) };
  return placeholder as never;
}

/**
 * What the query compiler calls a scalar type in placeholders. It knows no decimals there; the parameter
 * gets the type of its column all the same.
 */
export function placeholderType(scalar: string): string {
  return scalar === 'Decimal' ? 'Float' : scalar;
}

/** Where a placeholder's value goes, in the parameters of a statement that was not bound. */
export class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}
