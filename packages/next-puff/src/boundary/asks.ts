/** The text of a GraphQL document; the same object for the same text. */
export interface KnownDocument {
  readonly text: string;
}

/** A question of a GraphQL operation, as it crosses. */
export interface AskMessage {
  /** What is asked: JSON that is none of the boundary's business. */
  header: unknown;
  /** In the first question of an operation: its request. */
  start?: {
    document: KnownDocument;
    operationName: string | null;
    variables: { [name: string]: never };
  };
  /** The rows that came with it. */
  rows: unknown[];
}

/** The request of an operation, as `operations.rs` writes it. */
export interface AskStart {
  /** The document's number. */
  document: number;
  /** Its text, unless this isolate knows the number. */
  query?: string;
  /** A number that stands for nothing any more. */
  forgotten?: number;
  operationName: string | null;
  variables: { [name: string]: never };
}

/** The documents that this isolate was told of, by number. */
export class Documents {
  readonly #known = new Map<number, KnownDocument>();

  read({
    document,
    query,
    forgotten,
    operationName,
    variables,
  }: AskStart): NonNullable<AskMessage['start']> {
    if (forgotten !== undefined) this.#known.delete(forgotten);
    if (query !== undefined) this.#known.set(document, { text: query });
    return { document: this.#known.get(document) as KnownDocument, operationName, variables };
  }
}
