/** A value that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

/** What a subscription is told; `pubsub.rs` and `deliveries.rs` have the same numbers. */
export const Kind = {
  text: 0,
  binary: 1,
  json: 2,
  gap: 3,
  dropped: 4,
  ended: 5,
  refused: 6,
} as const;

/** A message on a channel. */
export class PubsubMessage {
  /** The channel that it was published on. */
  readonly channel: string;
  /** The pattern that brought it, if one did. */
  readonly pattern: string | undefined;
  /** The id of the connection that published it, if it did so under an id. */
  readonly sender: string | undefined;
  readonly #kind: number;
  readonly #content: string | Uint8Array;

  /** @internal */
  constructor(
    channel: string,
    pattern: string | undefined,
    kind: number,
    content: string | Uint8Array,
    sender: string | undefined,
  ) {
    this.channel = channel;
    this.pattern = pattern;
    this.sender = sender;
    this.#kind = kind;
    this.#content = content;
  }

  /** Whether it was published as text, as bytes, or as any other value, which is JSON. */
  get kind(): 'text' | 'binary' | 'json' {
    if (this.#kind === Kind.text) return 'text';
    return this.#kind === Kind.binary ? 'binary' : 'json';
  }

  /** The content as text: JSON as its text, bytes as UTF-8. */
  get text(): string {
    const content = this.#content;
    return typeof content === 'string' ? content : Buffer.from(content).toString();
  }

  /** The content as bytes, text in UTF-8. */
  get bytes(): Uint8Array {
    const content = this.#content;
    return typeof content === 'string' ? Buffer.from(content) : content;
  }

  /**
   * The content as the value that was published, or text or bytes parsed as JSON.
   *
   * @throws {SyntaxError} for what is no JSON
   */
  json<T = JsonValue>(): T {
    return JSON.parse(this.text);
  }
}

/** How a value is published: strings as text, byte arrays as bytes, all else as JSON. */
export function contentOf(value: unknown): { kind: number; content: string | Uint8Array } {
  if (typeof value === 'string') return { kind: Kind.text, content: value };
  if (value instanceof Uint8Array) return { kind: Kind.binary, content: value };
  const content = JSON.stringify(value) as string | undefined;
  if (content === undefined) {
    throw new TypeError(
      `pubsub: ${typeof value} is nothing that can be published; publish text, bytes or a value that JSON can hold.`,
    );
  }
  return { kind: Kind.json, content };
}
