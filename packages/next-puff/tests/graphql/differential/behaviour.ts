import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  GraphQLError,
  type GraphQLFieldConfig,
  type GraphQLResolveInfo,
  type GraphQLTypeResolver,
  parseType,
  type TypeNode,
} from 'graphql';
import { Random, seedOf } from '../support/random.ts';
import type {
  EnumValueModel,
  FieldModel,
  ObjectModel,
  SchemaModel,
  Typing,
} from './schema-model.ts';
import { anyText } from './texts.ts';

/** The context value of one execution. */
export interface CallContext {
  readonly user: string;
  /** What mutations have done, in order. */
  readonly log: string[];
}

/** A new context; every execution needs its own. */
export function callContext(): CallContext {
  return { user: 'Ada', log: [] };
}

/** An object that resolvers hand out: which one it is, and of which type it says it is. */
interface Source {
  readonly node: number;
  readonly itself: unknown;
}

/**
 * What resolvers do. Everything follows from the schema's seed, the parent, the field and the
 * arguments, never from the order of calls: every executor sees the same world.
 */
export class Behaviour {
  readonly #model: SchemaModel;
  readonly #objects: Map<string, ObjectModel>;
  readonly #members = new Map<string, readonly string[]>();
  readonly #enums: Map<string, readonly EnumValueModel[]>;
  readonly #typeNodes = new Map<string, TypeNode>();

  constructor(model: SchemaModel) {
    this.#model = model;
    this.#objects = new Map(model.objects.map((it) => [it.name, it]));
    this.#enums = new Map(model.enums.map((it) => [it.name, it.values]));
    for (const { name } of model.interfaces) {
      const members = model.objects.filter((it) => it.interfaces.includes(name));
      this.#members.set(
        name,
        members.map((it) => it.name),
      );
    }
    for (const { name, members } of model.unions) this.#members.set(name, members);
  }

  /** The resolver of a field, where it has one. */
  resolver(
    owner: ObjectModel,
    field: FieldModel,
  ): Pick<GraphQLFieldConfig<unknown, CallContext>, 'resolve'> {
    if (field.source !== 'resolver') return {};
    return {
      resolve: (source, args, context, info) =>
        this.#resolve(owner, field, source as Source | undefined, args, context, info),
    };
  }

  /** `resolveType` of an abstract type. */
  typeResolver(
    name: string,
    typing: Typing,
  ): { resolveType?: GraphQLTypeResolver<unknown, CallContext> } {
    const kindOf = (source: unknown) => {
      const { itself } = source as Source;
      if (itself === 'THROW') throw new Error(`${name} cannot be resolved`);
      return itself as string;
    };
    switch (typing) {
      case 'resolveType':
        return { resolveType: kindOf };
      case 'promisedResolveType':
        return { resolveType: async (source) => kindOf(source) };
      case 'default':
        return {};
    }
  }

  /** `isTypeOf` of an object type. */
  typeTest(name: string): { isTypeOf?: (source: unknown) => boolean | Promise<boolean> } {
    const isTypeOf = (source: unknown) => {
      const { itself } = source as Source;
      if (itself === 'THROW') throw new Error(`${name} cannot be told`);
      return itself === name;
    };
    switch (this.#model.tag) {
      case '__typename':
        return {};
      case 'isTypeOf':
        return { isTypeOf };
      case 'promisedIsTypeOf':
        return { isTypeOf: async (source) => isTypeOf(source) };
    }
  }

  #resolve(
    owner: ObjectModel,
    field: FieldModel,
    source: Source | undefined,
    args: object,
    context: CallContext,
    info: GraphQLResolveInfo,
  ): unknown {
    const written = canonical(args);
    if (owner !== this.#model.mutation) {
      const seed = seedOf(this.#model.seed, source?.node ?? 0, field.name, written);
      return this.#outcome(field, new Random(seed), () => tell(source, args, context, info));
    }
    const mutate = () => {
      context.log.push(field.name);
      const seed = seedOf(this.#model.seed, field.name, written, context.log.length);
      return this.#outcome(field, new Random(seed), () => context.log.join());
    };
    return seedOf(this.#model.seed, field.name) % 2 === 0 ? nextTurn().then(mutate) : mutate();
  }

  /** What a field gives: a value, a promise of one, or one of the many ways to fail. */
  #outcome(field: FieldModel, random: Random, told: (() => string) | undefined): unknown {
    const type = this.#typeNode(field.type);
    const timing = random.weighted([
      [60, 'now'],
      [25, 'soon'],
      [8, 'later'],
    ] as const);
    const message = `${field.name} failed ${random.below(100)}`;
    const fault = random.weighted([
      [100, 'none'],
      [1.2, 'throw'],
      [1, 'return'],
      [0.6, 'public'],
      [0.4, 'text'],
    ] as const);
    const make = () => {
      switch (fault) {
        case 'throw':
          throw new Error(message);
        case 'public':
          throw new GraphQLError(message, { extensions: { code: 'TEAPOT', nested: { n: [1] } } });
        case 'text':
          throw message;
        case 'return':
          return new Error(message);
        case 'none': {
          const isText = field.type.replace('!', '') === 'String';
          if (told !== undefined && isText && random.chance(0.4)) return told();
          return this.#value(type, random);
        }
      }
    };
    switch (timing) {
      case 'now':
        return make();
      case 'soon':
        return quietly(Promise.resolve().then(make));
      case 'later':
        return quietly(nextTurn().then(make));
    }
  }

  #value(type: TypeNode, random: Random): unknown {
    switch (type.kind) {
      case 'NonNullType':
        return random.chance(0.012)
          ? random.pick([null, undefined])
          : this.#present(type.type, random);
      default:
        return random.chance(0.1) ? random.pick([null, undefined]) : this.#present(type, random);
    }
  }

  #present(type: TypeNode, random: Random): unknown {
    if (type.kind === 'NonNullType') return this.#present(type.type, random);
    if (type.kind === 'ListType') {
      if (random.chance(0.01)) return random.pick<unknown>(['no list', 5, { length: 2 }]);
      const items = Array.from({ length: random.below(4) }, () => this.#item(type.type, random));
      return random.weighted<() => unknown>([
        [20, () => items],
        [1, () => new Set(items)],
        [1, () => values(items)],
      ])();
    }
    const name = type.name.value;
    const members = this.#members.get(name);
    if (members !== undefined) return this.#object(random.pick(members), random);
    if (this.#objects.has(name)) return this.#object(name, random);
    return this.#leaf(name, random);
  }

  #item(type: TypeNode, random: Random): unknown {
    const message = `an item failed ${random.below(100)}`;
    const fault = random.weighted([
      [150, 'none'],
      [1, 'error'],
      [1, 'rejection'],
    ] as const);
    if (fault === 'error') return new Error(message);
    if (fault === 'rejection') return quietly(Promise.reject(new Error(message)));
    const value = this.#value(type, random);
    return random.chance(0.12) ? Promise.resolve(value) : value;
  }

  #leaf(name: string, random: Random): unknown {
    // Nothing is wrong for a scalar that takes anything.
    if (random.chance(0.012) && name !== 'Json') return random.pick(WRONG_LEAVES)();
    switch (name) {
      case 'Int':
        return random.pick<unknown>([0, 1, -7, 2147483647, -2147483648, '12', true, 3.0]);
      case 'Float':
        return random.pick<unknown>([
          0,
          -0,
          1,
          -1.5,
          0.1,
          1e21,
          1e-7,
          5e-324,
          '2.5',
          false,
          12345678901,
        ]);
      case 'String':
        return random.weighted<unknown>([
          [10, anyText(random)],
          [1, 5],
          [1, true],
          [1, { valueOf: () => 'from valueOf' }],
        ]);
      case 'Boolean':
        return random.pick<unknown>([true, false, true, false, 1, 0]);
      case 'ID':
        return random.pick<unknown>(['id', '', '7', 7, -1, 9007199254740991]);
      case 'Even':
        return random.chance(0.03) ? 3 : 2 * random.below(20);
      case 'Upper':
        return random.chance(0.03) ? 'NOTHING' : random.pick(['ABC', 'ÄÖ', 'X']);
      case 'Json':
        return random.pick<unknown>([
          1,
          'text \u2028',
          false,
          [1, [2, { three: 3 }]],
          { z: 1, a: { deep: [null, 'x'] }, '10': 'ten', '9': 'nine' },
        ]);
      default:
        return random.pick(this.#enums.get(name) ?? []).internal;
    }
  }

  #object(name: string, random: Random): unknown {
    if (random.chance(0.004)) return random.pick<unknown>(['no object', 5, true]);
    const itself = random.chance(0.008) ? random.pick(WRONG_KINDS) : name;
    const node = random.below(0x7fffffff);
    const source: Record<string, unknown> = { node, itself };
    if (this.#model.tag === '__typename') source.__typename = itself;
    const owner = this.#objects.get(name) as ObjectModel;
    for (const field of owner.fields) {
      const seed = (args: object) => seedOf(this.#model.seed, node, field.name, canonical(args));
      if (field.source === 'property') {
        // A getter, because objects contain objects without end.
        Object.defineProperty(source, field.name, {
          enumerable: true,
          get: () => this.#outcome(field, new Random(seed({})), undefined),
        });
      } else if (field.source === 'method') {
        source[field.name] = (args: object, context: CallContext, info: GraphQLResolveInfo) =>
          this.#outcome(field, new Random(seed(args)), () =>
            tell({ node, itself }, args, context, info),
          );
      }
    }
    return source;
  }

  #typeNode(text: string): TypeNode {
    let node = this.#typeNodes.get(text);
    if (node === undefined) {
      node = parseType(text, { noLocation: true });
      this.#typeNodes.set(text, node);
    }
    return node;
  }
}

const WRONG_LEAVES: readonly (() => unknown)[] = [
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 2147483648,
  () => 1.5,
  () => 'wrong',
  () => '',
  () => ({ wrong: 1 }),
  () => [1],
  () => Symbol('wrong'),
  () => () => 'called',
];

const WRONG_KINDS = ['Nowhere', 'Query', 'String', '', 42, 'THROW'];

/** What a resolver was told, as a text that ends up in the response. */
function tell(
  source: Source | undefined,
  args: object,
  context: CallContext,
  info: GraphQLResolveInfo,
): string {
  return canonical({
    source: source?.node,
    args,
    user: context.user,
    field: info.fieldName,
    parent: info.parentType.name,
    path: pathOf(info),
    nodes: info.fieldNodes.map((it) => it.alias?.value ?? it.name.value),
    operation: info.operation.name?.value,
    kind: info.operation.operation,
    variables: info.variableValues,
    fragments: Object.keys(info.fragments).sort(),
  });
}

function pathOf(info: GraphQLResolveInfo): (string | number)[] {
  const path: (string | number)[] = [];
  for (let step: GraphQLResolveInfo['path'] | undefined = info.path; step; step = step.prev) {
    path.unshift(step.key);
  }
  return path;
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, it: unknown) =>
    typeof it === 'object' && it !== null && !Array.isArray(it)
      ? Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1)))
      : it,
  );
}

function* values<T>(items: readonly T[]): Generator<T> {
  yield* items;
}

/** The promise, marked as handled: an executor that gave up on its list does not look at it. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
