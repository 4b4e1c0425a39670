import type { AsyncResource } from 'node:async_hooks';
import type { GraphQLSchema } from 'graphql';
import type { AnswerAsk } from '../native/protocol.js';
import type { SchemaSpec } from '../schema/spec.js';
import { ContextValues } from './context-values.js';
import { PreparedDocuments } from './document.js';
import { ErrorMask, type ErrorReporter } from './failures.js';
import { FieldSpecs } from './field-specs.js';
import type { AnyLayer } from './layer-call.js';
import { OperationState } from './operation.js';
import { OperationRunner, type SharedRuntime } from './operation-runner.js';
import type { MaybePromise } from './promises.js';
import { RowObjects } from './row-objects.js';

/** What of a schema the runtime uses. */
export interface RuntimeSchema {
  readonly graphqlSchema: GraphQLSchema;
  readonly spec: SchemaSpec;
  readonly layers: ReadonlyMap<string, AnyLayer>;
  readonly pool: string;
  readonly options: { readonly onError?: ErrorReporter };
  settingsOf(context: unknown): MaybePromise<Readonly<Record<string, string>>>;
}

/** The JavaScript side of a schema that the engine executes: its resolvers, layers and contexts. */
export class SchemaRuntime {
  readonly #shared: SharedRuntime;
  readonly #documents: PreparedDocuments;

  constructor(schema: RuntimeSchema) {
    const { spec, graphqlSchema } = schema;
    const specs = new FieldSpecs(spec);
    this.#shared = {
      schema,
      specs,
      rows: new RowObjects(specs),
      contextValues: new ContextValues(spec),
    };
    this.#documents = new PreparedDocuments(graphqlSchema);
  }

  /**
   * Gets ready for the asks of one operation; call it where the operation is started, because resolvers
   * run in the async context of this call.
   *
   * @param makeContext makes the context, when one is needed; called at most once
   * @param scope the async context to run them in, instead
   */
  begin(makeContext: () => unknown, answer: AnswerAsk, scope?: AsyncResource): OperationRunner {
    const { graphqlSchema, spec, options } = this.#shared.schema;
    const mask = new ErrorMask(spec.options.masksErrors, options.onError);
    const state = new OperationState(graphqlSchema, this.#documents, mask, makeContext);
    return new OperationRunner(this.#shared, state, answer, scope);
  }
}
