import { AsyncResource } from 'node:async_hooks';
import { errorOfFailure } from '../../boundary/failures.js';
import { Database } from '../../postgres/database.js';
import type { ReportedFailure } from '../native/operation.js';
import type {
  AnswerAsk,
  Ask,
  FieldAnswer,
  FieldsAsk,
  NextAsk,
  SubscribeAsk,
} from '../native/protocol.js';
import type { ContextValues } from './context-values.js';
import { EventStream } from './event-stream.js';
import type { ErrorPlace } from './failures.js';
import { callFieldLayer } from './field-layer.js';
import type { FieldSpecs } from './field-specs.js';
import type { OperationState } from './operation.js';
import { columnsOf, propertyValues } from './parent-columns.js';
import { type Parents, PlacedObjects } from './parents.js';
import { isPromise, type MaybePromise, whenReady } from './promises.js';
import { RequestedField } from './requested-field.js';
import { resolveField } from './resolve-field.js';
import type { RowObjects } from './row-objects.js';
import { rowSourceOf } from './row-source.js';
import type { RuntimeSchema } from './schema-runtime.js';

/** What the runs of all operations of a schema share. */
export interface SharedRuntime {
  readonly schema: RuntimeSchema;
  readonly specs: FieldSpecs;
  readonly rows: RowObjects;
  readonly contextValues: ContextValues;
}

/** Answers what the engine asks for one operation, in the async context that the operation began in. */
export class OperationRunner {
  readonly #scope: AsyncResource;
  readonly #shared: SharedRuntime;
  readonly #state: OperationState;
  readonly #answer: AnswerAsk;
  #stream: EventStream | undefined;
  #isEnded = false;

  /** @param scope the async context; that of this call if not given */
  constructor(
    shared: SharedRuntime,
    state: OperationState,
    answer: AnswerAsk,
    scope = new AsyncResource('NextPuffGraphqlOperation'),
  ) {
    this.#shared = shared;
    this.#state = state;
    this.#answer = answer;
    // What belongs to the request (its headers, its signal) is found through the async context.
    this.#scope = scope;
  }

  /** The execution of this subscription for its latest event. */
  event(): OperationRunner {
    const state = this.#state.forEvent(this.#stream?.current);
    return new OperationRunner(this.#shared, state, this.#answer, this.#scope);
  }

  /** The operation is over: the source of its events ends. */
  end(): void {
    this.#isEnded = true;
    this.#scope.runInAsyncScope(() => this.#stream?.end());
  }

  /** Answers an ask, in as many parts as it takes. Never throws. */
  readonly handle = (ask: Ask): void => {
    if (ask.start !== undefined) this.#state.begin(ask.start);
    this.#scope.runInAsyncScope(this.#run, this, ask);
  };

  /** Takes what the engine reports of failures: those of statements, for what failed here is known. */
  readonly report = ({ coordinate, failure }: ReportedFailure): void => {
    const { code, message, extensions } = failure;
    const error = errorOfFailure({ ...extensions, code, message });
    this.#state.mask.reportFailure(error, failure.message, {
      coordinate,
      path: [],
      operationName: this.#state.name,
    });
  };

  #run(ask: Ask): void {
    try {
      const work = this.#work(ask);
      if (isPromise(work)) work.catch((error: unknown) => this.#fail(ask, error));
    } catch (error) {
      this.#fail(ask, error);
    }
  }

  #work(ask: Ask): MaybePromise<void> {
    const { schema, contextValues } = this.#shared;
    if (ask.kind === 'next') return this.#next(ask);
    if (ask.kind === 'fields' || ask.kind === 'subscribe') this.#state.prepare();
    return whenReady(this.#state.context(), (context) => {
      if (ask.kind === 'connect') return this.#answer(ask.ask, { connection: true });
      if (ask.kind === 'subscribe') return this.#subscribe(ask, context);
      if (ask.kind === 'fields') {
        // The context and the settings are made outside: the transaction cannot begin before them.
        if (ask.transaction === undefined) return this.#resolve(ask, context);
        const database = new Database(schema.pool);
        return database.within(ask.transaction, () => this.#resolve(ask, context));
      }
      if (ask.kind === 'context') {
        return this.#answer(ask.ask, { context: contextValues.of(context) });
      }
      return whenReady(schema.settingsOf(context), (settings) =>
        this.#answer(ask.ask, { settings: textsOf(settings) }),
      );
    });
  }

  async #subscribe(ask: SubscribeAsk, context: unknown): Promise<void> {
    const [asked] = ask.fields;
    const parents = this.#parentsOf(ask);
    const definition = asked && parents.type.getFields()[asked.name];
    const nodes = asked && parents.fields.get(asked.key);
    if (asked === undefined || definition === undefined || nodes === undefined) {
      throw new Error(`The document has no field of ${ask.type} to subscribe to.`);
    }
    const field = new RequestedField(asked, definition, nodes, parents, this.#state, context);
    // Making the context may have taken longer than the client stayed.
    if (this.#isEnded) return;
    this.#stream ??= new EventStream();
    const channel = await this.#stream.open(field);
    this.#answer(ask.ask, { stream: channel === undefined ? {} : { channel } });
  }

  async #next(ask: NextAsk): Promise<void> {
    this.#answer(ask.ask, { event: (await this.#stream?.next()) ?? false });
  }

  #resolve(ask: FieldsAsk, context: unknown): void {
    const parents = this.#parentsOf(ask);
    const ready: FieldAnswer[] = [];
    let late: LateAnswers | undefined;
    for (const asked of ask.fields) {
      const answer = this.#answerOf(asked, ask, parents, context);
      if (isPromise(answer)) {
        late ??= new LateAnswers((fields) => this.#answer(ask.ask, { fields }));
        late.wait(answer);
      } else {
        ready.push(answer);
      }
    }
    if (ready.length > 0) this.#answer(ask.ask, { fields: ready });
  }

  /** Never throws or rejects: what goes wrong is the field's failure. */
  #answerOf(
    asked: FieldsAsk['fields'][number],
    ask: FieldsAsk,
    parents: Parents,
    context: unknown,
  ): MaybePromise<FieldAnswer> {
    const { index, key, name } = asked;
    const definition = parents.type.getFields()[name];
    const nodes = parents.fields.get(key);
    if (asked.isProperty || definition === undefined || nodes?.[0]?.name.value !== name) {
      return { index, values: propertyValues(parents.objects, name) };
    }
    const field = new RequestedField(asked, definition, nodes, parents, this.#state, context);
    const { schema, specs } = this.#shared;
    const found = specs.of(parents.type, name);
    const layer = found && schema.layers.get(found.coordinate);
    const failed = (error: unknown): FieldAnswer => ({
      index,
      failure: this.#state.mask.failure(error, () => field.placeOf(0, [])),
    });
    try {
      let answer: MaybePromise<FieldAnswer>;
      if (layer === undefined) {
        answer = resolveField(field, found?.spec, this.#state);
      } else {
        const columns = columnsOf(parents, 'rows' in ask.parents);
        answer = callFieldLayer(layer, field, columns, ask.path, this.#state, specs);
      }
      return isPromise(answer) ? answer.catch(failed) : answer;
    } catch (error) {
      return failed(error);
    }
  }

  #parentsOf(ask: Omit<FieldsAsk, 'kind'>): Parents {
    const { parents, rows } = ask;
    if ('set' in parents) return this.#state.kept(parents.set);
    const { schema, collector, rootValue } = this.#state;
    const root = schema.getRootType(this.#state.operation.operation);
    if (root?.name === ask.type && ask.path.length === 0) {
      const objects = 'json' in parents ? parents.json : [rootValue];
      return new PlacedObjects(root, collector.collect(root, this.#state.rootNodes), objects);
    }
    if ('json' in parents) {
      const { type, fields, path } = rowSourceOf(ask, this.#state, this.#shared.specs);
      return new PlacedObjects(type, fields, parents.json, path);
    }
    const source = rowSourceOf(ask, this.#state, this.#shared.specs);
    this.#shared.rows.adapt(rows, source);
    return new PlacedObjects(source.type, source.fields, rows, source.path);
  }

  #fail(ask: Ask, error: unknown): void {
    const place = (): ErrorPlace => ({
      coordinate: ask.kind === 'fields' ? ask.type : (this.#stream?.coordinate ?? ask.kind),
      path: 'path' in ask ? ask.path : [],
      operationName: this.#state.name,
    });
    this.#answer(ask.ask, { failure: this.#state.mask.failure(error, place) });
  }
}

/** Collects what is ready in the same turn into one answer. */
class LateAnswers {
  readonly #send: (fields: FieldAnswer[]) => void;
  #ready: FieldAnswer[] = [];

  constructor(send: (fields: FieldAnswer[]) => void) {
    this.#send = send;
  }

  wait(answer: Promise<FieldAnswer>): void {
    void answer.then((field) => {
      // The queue of nextTick comes when there is no promise left to go on.
      if (this.#ready.length === 0) process.nextTick(() => this.#flush());
      this.#ready.push(field);
    });
  }

  #flush(): void {
    const fields = this.#ready;
    this.#ready = [];
    this.#send(fields);
  }
}

function textsOf(settings: Readonly<Record<string, unknown>>): { [name: string]: string } {
  const texts: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(settings)) texts[name] = String(value);
  return texts;
}
