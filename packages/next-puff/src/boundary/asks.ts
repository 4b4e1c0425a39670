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
  /** In the first question of an operation that did not begin in this isolate. */
  origin?: HostedOrigin;
  /** The rows that came with it. */
  rows: unknown[];
}

/** What is known of an operation that did not begin in this isolate, as `hosted.rs` writes it. */
export interface HostedOrigin {
  /** The number of a listener of this isolate, which knows the schema. */
  listener: number;
  /** The client, if the listener does not know it. */
  client?: {
    method: string;
    /** Path and query. */
    target: string;
    headers: [name: string, value: string][];
    /** The payload of `connection_init`. */
    connectionParams: { [name: string]: unknown } | null;
  };
  /** For an execution for one event: the id of the subscription. */
  subscription?: number;
}

/** The request of an operation, as `operations.rs` writes it. */
export interface AskStart extends Partial<HostedOrigin> {
  /** The document's number; none if the question is about a client alone. */
  document?: number;
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

  /** Adds to a message what came with it; must be called for each, in their order. */
  read(start: AskStart, message: AskMessage): void {
    const { listener, client, subscription, document } = start;
    if (listener !== undefined) {
      message.origin = {
        listener,
        ...(client !== undefined && { client }),
        ...(subscription !== undefined && { subscription }),
      };
    }
    if (document !== undefined) message.start = this.#request(start, document);
  }

  #request(
    { query, forgotten, operationName, variables }: AskStart,
    document: number,
  ): NonNullable<AskMessage['start']> {
    if (forgotten !== undefined) this.#known.delete(forgotten);
    if (query !== undefined) this.#known.set(document, { text: query });
    return { document: this.#known.get(document) as KnownDocument, operationName, variables };
  }
}
