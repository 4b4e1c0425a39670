import type { ExecutionRequest, PuffSchema, QueryResult } from '../puff-schema.js';

/** A statement or a call of JavaScript that the engine waited for, as `extensions.explain` has it. */
export interface ExplainedStep {
  /** Response keys from the operation to the field. */
  readonly path: string;
  /** `Type.field`. */
  readonly field: string;
  readonly kind: 'statement' | 'javascript';
  readonly sql?: string;
  /** Objects that the field was resolved for. */
  readonly parents: number;
  readonly rows?: number;
  /** From the start of the operation. */
  readonly startedMs: number;
  readonly tookMs: number;
}

/** An operation that can be executed again and again. */
export class Operation {
  readonly #run: (explain: boolean) => Promise<QueryResult>;

  constructor(run: (explain: boolean) => Promise<QueryResult>) {
    this.#run = run;
  }

  /** Executes it. */
  execute(): Promise<QueryResult> {
    return this.#run(false);
  }

  /** Executes it and tells what the engine waited for. */
  async explain(): Promise<{ result: QueryResult; steps: readonly ExplainedStep[] }> {
    const result = await this.#run(true);
    const explained = result.extensions?.explain as
      | { readonly layers?: readonly ExplainedStep[] }
      | undefined;
    return { result, steps: explained?.layers ?? [] };
  }
}

/** An operation of a schema, for `expect(operation(schema, '{ ... }')).toUseStatements(2)`. */
export function operation<Context>(
  schema: PuffSchema<Context>,
  request: string | ExecutionRequest<Context>,
  variables?: Readonly<Record<string, unknown>>,
): Operation {
  const whole = typeof request === 'string' ? { query: request, variables } : request;
  return new Operation((explain) => schema.query({ ...whole, explain }));
}
