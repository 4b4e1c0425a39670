import { type GraphQLSchema, graphql, parse, validateSchema } from 'graphql';
import { Random, seedOf } from '../support/random.ts';
import { type CallContext, callContext } from './behaviour.ts';
import { buildSchema } from './build-schema.ts';
import { differences, onTheWire, PossibleErrors, type WireResponse } from './compare.ts';
import { mutateOperation } from './mutate-operation.ts';
import { type OperationRequest, randomOperation } from './random-operation.ts';
import { ResponseTypes } from './response-types.ts';
import { randomSchemaModel } from './schema-model.ts';

const ANSWER_MS = 15_000;

/** Executes requests on one schema. */
export type Executor = (request: OperationRequest, context: CallContext) => Promise<object>;

/** One request, executed both ways. */
export interface Comparison {
  readonly request: OperationRequest;
  readonly reference: WireResponse;
  readonly response: WireResponse;
  /** Empty when the responses mean the same. */
  readonly differences: readonly string[];
}

/** A random schema, its nullable twin, and the executor under test. */
export class World {
  readonly seed: number;
  readonly schema: GraphQLSchema;
  readonly #twin: GraphQLSchema;
  readonly #execute: Executor;

  constructor(seed: number, executorOf: (schema: GraphQLSchema) => Executor) {
    this.seed = seed;
    const model = randomSchemaModel(seed);
    this.schema = buildSchema(model);
    this.#twin = buildSchema(model, { isNullable: true });
    const [problem] = validateSchema(this.schema);
    if (problem !== undefined) throw new Error(`schema ${seed}: ${problem.message}`);
    this.#execute = executorOf(this.schema);
  }

  /** The request with this number; about one in eight was made invalid on purpose. */
  request(index: number): OperationRequest {
    const random = new Random(seedOf(this.seed, 'operation', index));
    const request = randomOperation(random, this.schema);
    return random.chance(0.12) ? mutateOperation(random, request) : request;
  }

  async compare(request: OperationRequest): Promise<Comparison> {
    const { query: source, variables: variableValues, operationName } = request;
    const ask = { source, variableValues, operationName };
    const reference = onTheWire(
      await graphql({ schema: this.schema, ...ask, contextValue: callContext() }),
    );
    let possible: PossibleErrors | undefined;
    if (reference.errors !== undefined && 'data' in reference) {
      const twin = await graphql({ schema: this.#twin, ...ask, contextValue: callContext() });
      const types = new ResponseTypes(this.schema, parse(source), operationName);
      possible = new PossibleErrors(onTheWire(twin), types);
    }
    const response = onTheWire(await answered(this.#execute(request, callContext())));
    const found = differences(reference, response, possible, source);
    return { request, reference, response, differences: found };
  }
}

/** The answer, or a response that says why there is none: nothing that is compared takes so long. */
export function answered(execution: Promise<object>): Promise<object> {
  return new Promise((resolve) => {
    const told = (why: string) => resolve({ data: { 'no answer': why } });
    const timer = setTimeout(told, ANSWER_MS, `none within ${ANSWER_MS} ms`);
    execution
      .then(resolve, (error: unknown) => told(String((error as Error).stack)))
      .finally(() => {
        clearTimeout(timer);
      });
  });
}
