import type {
  ExecutionResult,
  NativeSchema,
  OperationOptions,
} from '../../../dist/graphql/native/native-schema.js';
import { NativeSchema as Schema } from '../../../dist/graphql/native/native-schema.js';
import type { Ask, FieldsAsk, NativeRequest } from '../../../dist/graphql/native/protocol.js';

/** A schema's fields and options, as `spec.rs` reads them. */
export interface Spec {
  sdl: string;
  fields?: { [coordinate: string]: object };
  options?: object;
}

/** A schema on a pool. */
export function schemaOf(spec: Spec, http: object = {}, pool = 'default'): NativeSchema {
  return new Schema(() => spec, { pool, http });
}

/** A response as tests look at it. */
export interface Parsed {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: unknown[]; extensions?: Record<string, unknown> }[];
}

export function parse(body: Uint8Array): Parsed {
  return JSON.parse(Buffer.from(body).toString());
}

/** Executes a request and parses the response. */
export async function run(
  schema: NativeSchema,
  request: NativeRequest | string,
  options?: OperationOptions,
): Promise<Parsed & Pick<ExecutionResult, 'statements' | 'hasErrors' | 'isExecuted'>> {
  const asked = typeof request === 'string' ? { query: request } : request;
  const { body, ...rest } = await schema.execute(asked, options);
  return { ...parse(body), ...rest };
}

/** The ask as one about fields. */
export function fieldsOf(ask: Ask): FieldsAsk {
  if (ask.kind !== 'fields') throw new Error(`asked for ${ask.kind}`);
  return ask;
}
