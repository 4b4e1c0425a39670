import { isSql } from '../../postgres/sql.js';
import { isRefusal } from '../../prisma/sql/refusal.js';
import type { FieldMapping } from '../../prisma/sql/row-mapping.js';
import type { PrismaStatement } from '../../prisma/sql/statement.js';
import type { ToSql, UnawaitedQuery } from '../../prisma/sql/to-sql.js';
import type { AnsweredStatement } from '../native/protocol.js';
import { answeredStatement } from '../native/statement.js';
import type { DynamicLayer, LayerCall } from '../schema/field-source.js';
import {
  alignedValues,
  areRows,
  type Join,
  type JoinTarget,
  joinRows,
  layerError,
} from './layer-result.js';
import { isPromise, type MaybePromise, whenReady } from './promises.js';

/** A layer as the runtime calls it. */
export type AnyLayer = DynamicLayer<never, never, never, unknown>;

/** What a layer gave: a statement for the engine to run, or a value for each parent. */
export type LayerOutcome = { statement: AnsweredStatement } | { values: unknown[] };

/** Where the parents of a call are, and what its rows are for. */
export interface LayerTask {
  call: LayerCall<never, never, never>;
  parents: readonly unknown[];
  target: JoinTarget;
}

/** Layers whose Prisma queries are more than one statement: Prisma runs them, not the engine. */
const refused = new WeakSet<AnyLayer>();

/** Calls a layer's function once, and makes of its result what the engine needs. */
export function callLayer(layer: AnyLayer, task: LayerTask): MaybePromise<LayerOutcome> {
  const result: unknown = layer.resolve(task.call);
  if (isUnawaited(result)) return ofQuery(layer, result, task);
  return whenReady(result, (settled) => ofSettled(layer, settled, task));
}

function ofSettled(layer: AnyLayer, result: unknown, task: LayerTask): LayerOutcome {
  if (isSql(result)) return { statement: answeredStatement(result.text, result.values) };
  const join = joinOf(layer);
  if (Array.isArray(result) && areRows(result, join, task.target)) {
    return { values: joinRows(result, task.parents, join, task.target, layer.options) };
  }
  return { values: alignedValues(result, task.parents.length, task.target.coordinate) };
}

async function ofQuery(
  layer: AnyLayer,
  query: UnawaitedQuery<unknown>,
  task: LayerTask,
): Promise<LayerOutcome> {
  if (refused.has(layer)) return ofRows(layer, await query, task);
  const toSql = await loadToSql();
  let written: PrismaStatement<unknown>;
  try {
    written = toSql(query);
  } catch (error) {
    if (isNotPrepared(error)) return ofRows(layer, await query, task);
    if (!isRefusal(error)) throw error;
    return again(layer, task);
  }
  const columns = columnsIn(written);
  if (columns === undefined) return again(layer, task);
  return { statement: answeredStatement(written.sql, written.params, columns) };
}

/** A query that was looked at cannot run: the function has to make it once more. */
async function again(layer: AnyLayer, task: LayerTask): Promise<LayerOutcome> {
  refused.add(layer);
  const result: unknown = await layer.resolve(task.call);
  return ofRows(layer, result, task);
}

function ofRows(layer: AnyLayer, result: unknown, task: LayerTask): LayerOutcome {
  const { parents, target } = task;
  const join = joinOf(layer);
  if (join.length === 0 && parents.length > 1 && layer.options.on === undefined) {
    throw layerError(
      `The layer of ${target.coordinate} returned a query that Prisma has to run, without saying which rows belong to which parents`,
      "Give the layer `on`, for example `{ on: { id: 'question_id' } }`.",
    );
  }
  const rows = Array.isArray(result) ? result : result === null ? [] : [result];
  return { values: joinRows(rows, parents, join, target, layer.options) };
}

function joinOf(layer: AnyLayer): Join {
  return Object.entries(layer.options.on ?? {});
}

/** Columns by field; nothing where the rows need more than other names. */
function columnsIn({ mapping }: PrismaStatement<unknown>): { [field: string]: string } | undefined {
  if (mapping === undefined) return {};
  if (mapping.result === 'count' || !mapping.fields.every(isPlainColumn)) return undefined;
  return Object.fromEntries(mapping.fields.map((field) => [field.name, field.column as string]));
}

function isPlainColumn(field: FieldMapping): boolean {
  return field.kind === 'column' && !hasOtherNames(field.enumNames);
}

function hasOtherNames(names: Readonly<Record<string, string>> | undefined): boolean {
  return names !== undefined && Object.entries(names).some(([value, name]) => value !== name);
}

function isUnawaited(value: unknown): value is UnawaitedQuery<unknown> {
  return isPromise(value) && value[Symbol.toStringTag] === 'PrismaPromise';
}

function isNotPrepared(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'PUFF_PRISMA_NOT_PREPARED';
}

/** Loaded when the first query turns up: apps without Prisma do not have what it imports. */
let loading: Promise<ToSql> | undefined;

function loadToSql(): Promise<ToSql> {
  loading ??= import('../../prisma/sql/to-sql.js').then(({ toSql }) => toSql);
  return loading;
}
