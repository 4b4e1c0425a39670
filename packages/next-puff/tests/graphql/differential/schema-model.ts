import { Random } from '../support/random.ts';
import { anyText } from './texts.ts';

/** An argument or a field of an input object; types are written as in the schema definition language. */
export interface InputModel {
  readonly name: string;
  readonly type: string;
  readonly hasDefault: boolean;
  readonly isDeprecated: boolean;
}

/** How a field gets its value from its parent. */
export type FieldSource = 'resolver' | 'property' | 'method';

export interface FieldModel {
  readonly name: string;
  readonly type: string;
  readonly args: readonly InputModel[];
  readonly source: FieldSource;
  readonly description: string | undefined;
  readonly isDeprecated: boolean;
}

export interface ObjectModel {
  readonly name: string;
  readonly interfaces: readonly string[];
  readonly fields: readonly FieldModel[];
}

/** How the object type behind an abstract type is found. */
export type Typing = 'resolveType' | 'promisedResolveType' | 'default';

/** A random schema as plain data; `build-schema.ts` makes schemas of graphql-js from it. */
export interface SchemaModel {
  readonly seed: number;
  readonly scalars: readonly { name: string; flavour: ScalarFlavour }[];
  readonly enums: readonly { name: string; values: readonly EnumValueModel[] }[];
  readonly inputs: readonly { name: string; isOneOf: boolean; fields: readonly InputModel[] }[];
  readonly interfaces: readonly (ObjectModel & { typing: Typing })[];
  readonly unions: readonly { name: string; members: readonly string[]; typing: Typing }[];
  readonly objects: readonly ObjectModel[];
  readonly query: ObjectModel;
  readonly mutation: ObjectModel | undefined;
  /** How `default` typing finds the type: by the property `__typename` or by `isTypeOf`. */
  readonly tag: '__typename' | 'isTypeOf' | 'promisedIsTypeOf';
}

/** `json`: anything; `even`: numbers, odd ones refused; `upper`: upper case inside, lower case outside. */
export type ScalarFlavour = 'json' | 'even' | 'upper';

export interface EnumValueModel {
  readonly name: string;
  readonly internal: unknown;
  readonly isDeprecated: boolean;
}

const BUILT_IN = ['Int', 'Float', 'String', 'Boolean', 'ID'];
const FIELD_NAMES = [
  'id',
  'name',
  'size',
  'tags',
  'owner',
  'parts',
  'next',
  'kind',
  'rank',
  'note',
];

/** Draws a schema. */
export function randomSchemaModel(seed: number): SchemaModel {
  return new Draw(seed).model();
}

class Draw {
  readonly #seed: number;
  readonly #random: Random;
  #leaves: string[] = [...BUILT_IN];
  #inputNames: string[] = [...BUILT_IN];
  #composites: string[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
  }

  model(): SchemaModel {
    const random = this.#random;
    const scalars = random
      .sample(['json', 'even', 'upper'] as const, random.below(4))
      .map((flavour) => ({ name: `${flavour[0]?.toUpperCase()}${flavour.slice(1)}`, flavour }));
    const enums = names('Enum', 1 + random.below(2)).map((name) => this.#enum(name));
    this.#leaves.push(...scalars.map((it) => it.name), ...enums.map((it) => it.name));
    this.#inputNames = [...this.#leaves];
    const inputs = names('Input', 1 + random.below(4)).map((name) => this.#input(name));

    const interfaceNames = names('Face', random.below(4));
    const objectNames = names('Thing', 2 + random.below(5));
    const unionNames = names('Union', random.below(3));
    this.#composites = [...interfaceNames, ...objectNames, ...unionNames];
    const interfaces: (ObjectModel & { typing: Typing })[] = [];
    for (const name of interfaceNames) {
      const parents = withAncestors(random.sample(interfaces, random.below(2)), interfaces);
      interfaces.push({ ...this.#object(name, parents), typing: this.#typing() });
    }
    const objects = objectNames.map((name) =>
      this.#object(name, withAncestors(random.sample(interfaces, random.below(3)), interfaces)),
    );
    for (const face of interfaces) {
      // An interface without an object has nothing that could be put behind it.
      if (!objects.some((it) => it.interfaces.includes(face.name))) {
        objects.push(this.#object(`Only${face.name}`, withAncestors([face], interfaces)));
      }
    }
    const unions = unionNames.map((name) => ({
      name,
      members: random.sample(objectNames, 1 + random.below(3)),
      typing: this.#typing(),
    }));
    return {
      seed: this.#seed,
      scalars,
      enums,
      inputs,
      interfaces,
      unions,
      objects,
      query: this.#root('Query', 4 + random.below(5)),
      mutation: random.chance(0.6) ? this.#root('Mutation', 2 + random.below(3)) : undefined,
      tag: random.pick(['__typename', 'isTypeOf', 'promisedIsTypeOf'] as const),
    };
  }

  #typing(): Typing {
    return this.#random.pick(['resolveType', 'promisedResolveType', 'default'] as const);
  }

  #enum(name: string): { name: string; values: EnumValueModel[] } {
    const random = this.#random;
    const values = names(`${name.toUpperCase()}_`, 1 + random.below(4)).map((value, index) => ({
      name: value,
      internal: random.weighted<unknown>([
        [3, value],
        [2, index],
        [1, `inside ${index}`],
        [1, { inside: index }],
      ]),
      isDeprecated: random.chance(0.15),
    }));
    return { name, values };
  }

  #input(name: string): { name: string; isOneOf: boolean; fields: InputModel[] } {
    const random = this.#random;
    const isOneOf = random.chance(0.25);
    const fields = names('f', 1 + random.below(4)).map((field): InputModel => {
      if (isOneOf) {
        const type = this.#wrapped(random.pick(this.#inputNames), 0);
        return { name: field, type, hasDefault: false, isDeprecated: false };
      }
      // A field of the same type must be nullable, or no value would be finite.
      if (random.chance(0.1)) {
        return { name: field, type: name, hasDefault: false, isDeprecated: false };
      }
      return this.#inputValue(field);
    });
    this.#inputNames.push(name);
    return { name, isOneOf, fields };
  }

  #inputValue(name: string): InputModel {
    const random = this.#random;
    const type = this.#wrapped(random.pick(this.#inputNames), 0.3);
    const hasDefault = random.chance(0.35);
    const isDeprecated = random.chance(0.1) && (!type.endsWith('!') || hasDefault);
    return { name, type, hasDefault, isDeprecated };
  }

  /** Lists and non-null around a name; `required` is how often the outermost is non-null. */
  #wrapped(name: string, required: number): string {
    const random = this.#random;
    let type = name;
    const lists = random.weighted([
      [70, 0],
      [22, 1],
      [8, 2],
    ]);
    for (let depth = 0; depth < lists; depth++) {
      type = `[${type}${random.chance(0.4) ? '!' : ''}]`;
    }
    return random.chance(required) ? `${type}!` : type;
  }

  #field(name: string, isComposite: boolean): FieldModel {
    const random = this.#random;
    const source = random.weighted<FieldSource>([
      [5, 'resolver'],
      [4, 'property'],
      [1, 'method'],
    ]);
    const argCount = random.weighted([
      [5, 0],
      [2, 1],
      [2, 2],
      [1, 3],
    ]);
    return {
      name,
      type: this.#wrapped(random.pick(isComposite ? this.#composites : this.#leaves), 0.35),
      args: names('arg', argCount).map((arg) => this.#inputValue(arg)),
      source,
      description: (random.chance(0.2) && anyText(random)) || undefined,
      isDeprecated: random.chance(0.1),
    };
  }

  #object(name: string, interfaces: readonly ObjectModel[]): ObjectModel {
    const random = this.#random;
    const fields = new Map<string, FieldModel>();
    for (const parent of interfaces) {
      for (const field of parent.fields) {
        const known = fields.get(field.name);
        if (known !== undefined && signature(known) !== signature(field)) {
          // Two interfaces that disagree cannot both be implemented: keep what came first.
          const isKept = (it: ObjectModel) => it !== parent && !it.interfaces.includes(parent.name);
          return this.#object(name, interfaces.filter(isKept));
        }
        const isNarrowed = random.chance(0.15) || (known ?? field).type.endsWith('!');
        const type = isNarrowed && !field.type.endsWith('!') ? `${field.type}!` : field.type;
        fields.set(field.name, { ...field, type });
      }
    }
    const own = random.sample(FIELD_NAMES, 2 + random.below(4));
    for (const field of own) {
      if (!fields.has(field)) fields.set(field, this.#field(field, random.chance(0.5)));
    }
    // A leaf that is sure to be there ends every selection.
    fields.set('leaf', fields.get('leaf') ?? LEAF);
    return { name, interfaces: interfaces.map((it) => it.name), fields: [...fields.values()] };
  }

  #root(name: string, count: number): ObjectModel {
    const random = this.#random;
    const fields = names(name === 'Query' ? 'q' : 'm', count).map((field) => ({
      ...this.#field(field, random.chance(0.75)),
      source: 'resolver' as const,
    }));
    return { name, interfaces: [], fields };
  }
}

const LEAF: FieldModel = {
  name: 'leaf',
  type: 'String',
  args: [],
  source: 'property',
  description: undefined,
  isDeprecated: false,
};

/** What two interfaces must agree on; whether the type is non-null may differ. */
function signature(field: FieldModel): string {
  return JSON.stringify([field.type.replace(/!$/, ''), field.args]);
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

/** The interfaces and all that they implement, in the order of `all`. */
function withAncestors<T extends ObjectModel>(chosen: readonly T[], all: readonly T[]): T[] {
  const wanted = new Set<string>();
  const add = (it: ObjectModel) => {
    wanted.add(it.name);
    for (const parent of it.interfaces) {
      const found = all.find((other) => other.name === parent);
      if (found !== undefined) add(found);
    }
  };
  for (const it of chosen) add(it);
  return all.filter((it) => wanted.has(it.name));
}
