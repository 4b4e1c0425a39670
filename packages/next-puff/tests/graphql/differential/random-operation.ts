import {
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  GraphQLNonNull,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from 'graphql';
import type { Random } from '../support/random.ts';
import { inputValue } from './input-values.ts';
import { anyText } from './texts.ts';

/** What is sent. */
export interface OperationRequest {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName: string | undefined;
}

/** Draws a request that is valid for the schema in most cases. */
export function randomOperation(random: Random, schema: GraphQLSchema): OperationRequest {
  return new Draw(random, schema).request();
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

interface Fragment {
  readonly name: string;
  readonly on: string;
  readonly text: string;
  readonly variables: ReadonlySet<string>;
}

class Draw {
  readonly #random: Random;
  readonly #schema: GraphQLSchema;
  readonly #fragments: Fragment[] = [];
  readonly #values: Record<string, unknown> = {};
  /** Arguments by what they belong to, so that the same response key has the same arguments. */
  readonly #arguments = new Map<string, string>();
  /** Those of them that name variables of the operation that is being written. */
  readonly #local = new Set<string>();
  /** What stands behind a response key. */
  readonly #keys = new Map<string, string>();
  #variables: Variable[] = [];
  /** Fields left, so that nesting does not explode. */
  #budget = 0;
  #unique = 0;

  constructor(random: Random, schema: GraphQLSchema) {
    this.#random = random;
    this.#schema = schema;
  }

  request(): OperationRequest {
    const random = this.#random;
    const count = random.weighted([
      [8, 1],
      [1, 2],
      [0.5, 3],
    ]);
    const names: (string | undefined)[] = [];
    const operations: string[] = [];
    for (let index = 0; index < count; index++) {
      const isNamed = count > 1 || random.chance(0.5);
      names.push(isNamed ? `Operation${index + 1}` : undefined);
      operations.push(this.#operation(names[index]));
    }
    const definitions = [...operations, ...this.#fragments.map((it) => it.text)];
    if (random.chance(0.3)) definitions.reverse();
    if (random.chance(0.05)) this.#values.unknown = { not: ['declared'] };
    const isGuessing = random.chance(0.04);
    const operationName = isGuessing
      ? random.pick([undefined, 'Nothing', ''])
      : count > 1 || random.chance(0.3)
        ? random.pick(names)
        : undefined;
    return { query: `${definitions.join('\n')}\n`, variables: this.#values, operationName };
  }

  #operation(name: string | undefined): string {
    const random = this.#random;
    this.#variables = [];
    for (const key of this.#local) this.#arguments.delete(key);
    this.#budget = 5 + random.below(22);
    const mutation = this.#schema.getMutationType();
    const isMutation = mutation != null && random.chance(0.2);
    const root = (isMutation ? mutation : this.#schema.getQueryType()) as GraphQLObjectType;
    const selections = this.#selectionSet(root, 0);
    const variables = this.#variables.map((it) => it.text);
    const declared = variables.length > 0 ? `(${variables.join(', ')})` : '';
    const keyword = isMutation ? 'mutation' : 'query';
    if (!isMutation && name === undefined && declared === '' && random.chance(0.5))
      return selections;
    const tag = random.chance(0.05) && !isMutation ? ' @tag(label: "operation")' : '';
    return `${keyword}${name === undefined ? '' : ` ${name}`}${declared}${tag} ${selections}`;
  }

  #selectionSet(type: GraphQLCompositeType, depth: number): string {
    const random = this.#random;
    const count = depth === 0 ? 2 + random.below(4) : 1 + random.below(4);
    const selections = Array.from({ length: count }, () => this.#selection(type, depth));
    return `{\n${selections.map((it) => `${it}\n`).join('')}}`;
  }

  #selection(type: GraphQLCompositeType, depth: number): string {
    const random = this.#random;
    const isShallow = depth >= 7 || this.#budget-- <= 0;
    const kind = random.weighted([
      [isUnionType(type) ? 0 : 70, 'field'],
      [isShallow ? 0 : isAbstractType(type) ? 30 : 12, 'inline'],
      [isShallow ? 0 : isAbstractType(type) ? 15 : 9, 'spread'],
      [6, 'typename'],
    ] as const);
    switch (kind) {
      case 'field':
        return this.#field(type, depth, isShallow);
      case 'typename':
        return `${random.chance(0.3) ? 'type: ' : ''}__typename${this.#directives()}`;
      case 'inline': {
        const on = random.chance(0.15) ? undefined : this.#overlapping(type);
        const condition = on === undefined ? '' : ` on ${on.name}`;
        return `...${condition}${this.#directives()} ${this.#selectionSet(on ?? type, depth + 1)}`;
      }
      case 'spread':
        return `...${this.#fragment(type, depth)}${this.#directives()}`;
    }
  }

  #field(type: GraphQLCompositeType, depth: number, isShallow: boolean): string {
    const random = this.#random;
    if (isUnionType(type)) return '__typename';
    const isRoot = type === this.#schema.getQueryType();
    if (isRoot && random.chance(0.05)) return this.#introspection();
    const fields = Object.values(type.getFields()).filter(
      (it) => !isShallow || !isCompositeType(getNamedType(it.type)),
    );
    if (fields.length === 0) return '__typename';
    const field = random.pick(fields);
    const named = getNamedType(field.type);
    const identity = `${field.name}(${field.args.map(String).join()})`;
    const alias = this.#alias(field.name, `${identity}: ${field.type}`);
    const cached = `${alias ?? ''}:${identity}`;
    let args = this.#arguments.get(cached);
    if (args === undefined || random.chance(0.004)) {
      args = this.#writeArguments(field);
      this.#arguments.set(cached, args);
      // A variable belongs to one operation.
      if (args.includes('$')) this.#local.add(cached);
    }
    const key = alias === undefined ? '' : `${alias}: `;
    const below = isCompositeType(named) ? ` ${this.#selectionSet(named, depth + 1)}` : '';
    return `${key}${field.name}${args}${this.#directives()}${below}`;
  }

  /** A response key for what `use` describes: the field's name, an alias that is free, a new one. */
  #alias(field: string, use: string): string | undefined {
    const random = this.#random;
    const key = random.chance(0.65) ? field : random.pick(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    const known = this.#keys.get(key);
    if (known !== undefined && known !== use && random.chance(0.97)) return `k${++this.#unique}`;
    this.#keys.set(key, use);
    return key === field ? undefined : key;
  }

  /** A type that shares an object type with the given one. */
  #overlapping(type: GraphQLCompositeType): GraphQLCompositeType {
    const possible = new Set(this.#possible(type));
    const candidates = Object.values(this.#schema.getTypeMap()).filter(
      (it): it is GraphQLCompositeType =>
        isCompositeType(it) &&
        !it.name.startsWith('__') &&
        this.#possible(it).some((object) => possible.has(object)),
    );
    return this.#random.pick(candidates);
  }

  #possible(type: GraphQLCompositeType): readonly GraphQLObjectType[] {
    return isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [type];
  }

  /** The name of a fragment that can be spread on the type: a new one, or one that is there. */
  #fragment(type: GraphQLCompositeType, depth: number): string {
    const random = this.#random;
    const possible = new Set(this.#possible(type));
    const declared = new Set(this.#variables.map((it) => it.name));
    const usable = this.#fragments.filter(
      (it) =>
        this.#possible(this.#schema.getType(it.on) as GraphQLCompositeType).some((object) =>
          possible.has(object),
        ) && [...it.variables].every((name) => declared.has(name)),
    );
    if (usable.length > 0 && random.chance(0.5)) return random.pick(usable).name;
    const on = this.#overlapping(type);
    const body = this.#selectionSet(on, depth + 1);
    // Inside the body, other fragments may have been written: the number comes after them.
    const name = `Fragment${this.#fragments.length + 1}`;
    const text = `fragment ${name} on ${on.name} ${body}`;
    const variables = new Set([...body.matchAll(/\$(\w+)/g)].map((it) => it[1] as string));
    for (const other of this.#fragments) {
      if (new RegExp(`\\.\\.\\.${other.name}\\b`).test(body))
        for (const it of other.variables) variables.add(it);
    }
    this.#fragments.push({ name, on: on.name, text, variables });
    return name;
  }

  #directives(): string {
    const random = this.#random;
    let text = '';
    if (random.chance(0.05)) text += ` @include(if: ${this.#condition(0.75)})`;
    if (random.chance(0.05)) text += ` @skip(if: ${this.#condition(0.25)})`;
    if (random.chance(0.02)) text += ' @tag @tag(label: "again")';
    return text;
  }

  #condition(truth: number): string {
    const random = this.#random;
    if (random.chance(0.6)) return String(random.chance(truth));
    const type = this.#schema.getDirective('skip')?.args[0]?.type as GraphQLInputType;
    return this.#variable(type, undefined);
  }

  #writeArguments(field: GraphQLField<unknown, unknown>): string {
    const random = this.#random;
    const given = field.args.filter((it) => isRequiredArgument(it) || random.chance(0.6));
    if (random.chance(0.2)) given.reverse();
    if (given.length === 0) return '';
    return `(${given.map((it) => `${it.name}: ${this.#input(it)}`).join(', ')})`;
  }

  #input(input: GraphQLArgument | GraphQLInputField, depth = 0): string {
    if (this.#random.chance(0.25)) return this.#variable(input.type, input.defaultValue);
    return this.#literal(input.type, depth, true);
  }

  /** A variable that may stand where the type is wanted (specification, 5.8.5). */
  #variable(type: GraphQLInputType, locationDefault: unknown): string {
    const random = this.#random;
    const wanted = String(type);
    const known = this.#variables.filter((it) => [wanted, `${wanted}!`].includes(it.type));
    if (known.length > 0 && random.chance(0.6)) return `$${random.pick(known).name}`;
    const name = `v${++this.#unique}`;
    const bare = isNonNullType(type) ? type.ofType : type;
    const isNonNull = isNonNullType(type)
      ? locationDefault === undefined || random.chance(0.6)
      : random.chance(0.3);
    // A nullable variable with a default value fits a non-null place too.
    const isMarked = isNonNull && !(isNonNullType(type) && random.chance(0.3));
    const declared = isMarked ? `${bare}!` : `${bare}`;
    const hasDefault = isNonNull !== isMarked || random.chance(0.25);
    const literal = () =>
      isNonNull ? this.#literalOf(bare, 0, false) : this.#literal(bare, 0, false);
    const text = `$${name}: ${declared}${hasDefault ? ` = ${literal()}` : ''}`;
    this.#variables.push({ name, type: declared, text });
    const isOptional = hasDefault || !isNonNull;
    const provision = random.weighted([
      [85, 'valid'],
      [isOptional ? 12 : 0.5, 'missing'],
      [isNonNull ? 0.3 : 4, 'null'],
      [0.6, 'invalid'],
    ] as const);
    const wantedType = isNonNull ? new GraphQLNonNull(bare) : bare;
    if (provision === 'valid') this.#values[name] = inputValue(random, wantedType, 'external');
    if (provision === 'null') this.#values[name] = null;
    if (provision === 'invalid') {
      this.#values[name] = random.pick([
        'wrong',
        -0.5,
        1e100,
        true,
        [null],
        [[1]],
        {},
        { nothing: 1 },
        [{}],
      ]);
    }
    return `$${name}`;
  }

  #literal(type: GraphQLInputType, depth: number, hasVariables: boolean): string {
    if (!isNonNullType(type) && this.#random.chance(0.1)) return 'null';
    return this.#literalOf(type, depth, hasVariables);
  }

  #literalOf(type: GraphQLInputType, depth: number, hasVariables: boolean): string {
    const random = this.#random;
    if (isNonNullType(type)) return this.#literalOf(type.ofType, depth, hasVariables);
    const part = (input: GraphQLInputType) =>
      hasVariables && random.chance(0.15)
        ? this.#variable(input, undefined)
        : this.#literal(input, depth + 1, hasVariables);
    if (isListType(type)) {
      const item = type.ofType;
      if (random.chance(0.15) && !isListType(item)) return this.#literalOf(item, depth + 1, false);
      const length = random.below(depth > 2 ? 2 : 4);
      return `[${Array.from({ length }, () => part(item)).join(random.chance(0.5) ? ', ' : ' ')}]`;
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      if (type.isOneOf) {
        const field = random.pick(fields);
        return `{${field.name}: ${this.#literalOf(field.type, depth + 1, hasVariables)}}`;
      }
      const given = fields.filter(
        (it) => isRequiredInputField(it) || (depth <= 2 && random.chance(0.6)),
      );
      if (random.chance(0.2)) given.reverse();
      return `{${given.map((it) => `${it.name}: ${part(it.type)}`).join(', ')}}`;
    }
    return this.#scalar(type.name);
  }

  #scalar(name: string): string {
    const random = this.#random;
    if (random.chance(0.004))
      return random.pick(['WRONG', '"wrong"', '1.5', '{a: 1}', '99999999999']);
    switch (name) {
      case 'Int':
        return random.pick(['0', '-0', '1', '-12', '2147483647', '-2147483648']);
      case 'Float':
        return random.pick([
          '0',
          '1',
          '-1.5',
          '1e3',
          '6.02e23',
          '5E-1',
          '-0.0',
          '123456789012345678',
        ]);
      case 'Boolean':
        return String(random.chance(0.5));
      case 'ID':
        return random.pick(['"id"', '""', '7', '-1', '12345678901234567890']);
      case 'Even':
        return random.pick(['0', '2', '-4']);
      case 'Upper':
        return '"abc"';
      case 'Json':
        return random.pick(['1', '1.50', '"x"', '[1, {a: ENUM}]', '{z: 1, a: {b: null}}', 'true']);
      default:
        return this.#string();
    }
  }

  #string(): string {
    const random = this.#random;
    const text = anyText(random);
    return random.weighted<() => string>([
      [6, () => JSON.stringify(text)],
      [
        1,
        () =>
          `"""\n    ${text.replaceAll('"""', '\\"""').replaceAll('\u0007', '')}\n      more\n  """`,
      ],
      [1, () => '"\\u0041\\u{1F600}\\uD83D\\uDE00\\/\\b\\f"'],
    ])();
  }

  #introspection(): string {
    const random = this.#random;
    const meta = this.#schema.getType('__Schema') as GraphQLObjectType;
    const typeMeta = this.#schema.getType('__Type') as GraphQLObjectType;
    const key = `meta${++this.#unique}`;
    if (random.chance(0.4)) return `${key}: __schema ${this.#metaSelection(meta, 0)}`;
    const name = random.chance(0.05)
      ? 'Nowhere'
      : random.pick(Object.keys(this.#schema.getTypeMap()));
    return `${key}: __type(name: "${name}") ${this.#metaSelection(typeMeta, 0)}`;
  }

  #metaSelection(type: GraphQLObjectType, depth: number): string {
    const random = this.#random;
    const fields = Object.values(type.getFields()).filter(
      (it) => depth < 3 || !isCompositeType(getNamedType(it.type)),
    );
    const chosen = random.sample(fields, 1 + random.below(4));
    const parts = chosen.map((field) => {
      const args =
        field.args.length > 0 && random.chance(0.6)
          ? `(includeDeprecated: ${random.chance(0.7)})`
          : '';
      const named = getNamedType(field.type);
      const below = isCompositeType(named)
        ? ` ${this.#metaSelection(named as GraphQLObjectType, depth + 1)}`
        : '';
      // The same field with other arguments is another field.
      return `${args === '' ? '' : `k${++this.#unique}: `}${field.name}${args}${below}`;
    });
    return `{ ${parts.join(' ')} }`;
  }
}
