import { parameterizeQuery, type QueryPlanNode } from '@prisma/client-engine-runtime';
import { ParamGraph } from '@prisma/param-graph';
import type {
  ClientInternals,
  ProtocolQuery,
  QueryCompiler,
  RuntimeDataModel,
} from '../client-internals.js';
import { loadPrismaRuntime, type PrismaRuntime } from '../prisma-runtime.js';
import { shapeOfPlan } from './query-plan.js';
import type { PlaceholderValues, QueryShape } from './query-shape.js';
import { isRefusal, refusal } from './refusal.js';

/** As many as Prisma keeps plans. */
const MAX_SHAPES = 1000;

/** The shapes of one client's queries, each compiled once. */
export class ShapeCompiler {
  readonly #compiler: QueryCompiler;
  readonly #graph: ParamGraph;
  /** The copy of Prisma that the client is of. */
  readonly runtime: PrismaRuntime;
  /** The client's models and enums. */
  readonly dataModel: RuntimeDataModel;
  /** By query without its values; the least recently used comes first. */
  readonly #shapes = new Map<string, QueryShape | Error>();

  private constructor(
    compiler: QueryCompiler,
    graph: ParamGraph,
    runtime: PrismaRuntime,
    dataModel: RuntimeDataModel,
  ) {
    this.dataModel = dataModel;
    this.#compiler = compiler;
    this.#graph = graph;
    this.runtime = runtime;
  }

  /**
   * Prepares the queries of a client.
   *
   * @param start starts the client's engine, which loads the query compiler
   */
  static async of(
    { config }: ClientInternals,
    schemaName: string | undefined,
    start: () => Promise<void>,
  ): Promise<ShapeCompiler> {
    if (!/^postgres/.test(config.activeProvider)) {
      throw refusal(`is for ${config.activeProvider}`, 'toSql writes SQL for PostgreSQL only.');
    }
    await start();
    const { QueryCompiler } = await config.compilerWasm.getRuntime();
    const compiler = new QueryCompiler({
      datamodel: config.inlineSchema,
      provider: 'postgres',
      connectionInfo: {
        supportsRelationJoins: true,
        ...(schemaName !== undefined && { schemaName }),
      },
    });
    // Without the enums' values, their members become constants: Prisma gives those of lists wrong names.
    const graph = ParamGraph.deserialize(config.parameterizationSchema, () => undefined);
    return new ShapeCompiler(compiler, graph, await loadPrismaRuntime(), config.runtimeDataModel);
  }

  /** The shape of a query, and the values that it leaves open. */
  compile(query: ProtocolQuery): { shape: QueryShape; values: PlaceholderValues } {
    const { parameterizedQuery, placeholderValues } = parameterizeQuery(
      query as Parameters<typeof parameterizeQuery>[0],
      this.#graph,
    );
    const key = JSON.stringify(parameterizedQuery);
    const shape = this.#shapes.get(key) ?? this.#compile(key);
    // The order of a Map is that of insertion; while there is room, it does not matter.
    if (this.#shapes.size > MAX_SHAPES / 2) {
      this.#shapes.delete(key);
      this.#shapes.set(key, shape);
    }
    if (shape instanceof Error) throw shape;
    return { shape, values: placeholderValues };
  }

  /** Prisma's names of an enum's values by those of the database, for a field that has the enum. */
  enumNames(modelName: string, field: string): Readonly<Record<string, string>> {
    const query = { arguments: {}, selection: { [field]: true } };
    const { fields } = this.compile({ modelName, action: 'findMany', query }).shape.mapping;
    const found = fields.find(({ name }) => name === field);
    return (found?.kind === 'column' ? found.enumNames : undefined) ?? {};
  }

  #compile(key: string): QueryShape | Error {
    const shape = this.#shapeOf(key);
    if (this.#shapes.size >= MAX_SHAPES) {
      const [oldest] = this.#shapes.keys();
      this.#shapes.delete(oldest as string);
    }
    this.#shapes.set(key, shape);
    return shape;
  }

  #shapeOf(key: string): QueryShape | Error {
    let plan: unknown;
    try {
      plan = this.#compiler.compile(key);
    } catch (error) {
      return refusal(
        `is refused by Prisma: ${reasonOf(error)}`,
        'Await it to see all that Prisma says.',
      );
    }
    try {
      return shapeOfPlan(plan as QueryPlanNode);
    } catch (error) {
      if (isRefusal(error)) return error;
      throw error;
    }
  }
}

/** The compiler's errors are objects, or errors whose message is one as JSON. */
function reasonOf(error: unknown): string {
  const { message } = error as { message?: unknown };
  if (typeof message !== 'string') return JSON.stringify(error);
  try {
    return (JSON.parse(message) as { message?: string }).message ?? message;
  } catch {
    return message;
  }
}
