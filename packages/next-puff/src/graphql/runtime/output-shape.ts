import {
  type GraphQLAbstractType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { type LeafSerializer, serializerOf } from './leaves.js';

/** What has to be done with values of a type; asking graphql-js for it each time would be slow. */
export type OutputShape =
  | { readonly kind: 'nonNull'; readonly inner: OutputShape }
  | { readonly kind: 'list'; readonly item: OutputShape }
  | { readonly kind: 'leaf'; readonly serialize: LeafSerializer }
  | { readonly kind: 'abstract'; readonly type: GraphQLAbstractType }
  | { readonly kind: 'object'; readonly type: GraphQLObjectType };

const shapes = new WeakMap<GraphQLOutputType, OutputShape>();

/** The shape of a type. */
export function shapeOf(type: GraphQLOutputType): OutputShape {
  let shape = shapes.get(type);
  if (shape === undefined) {
    shape = makeShape(type);
    shapes.set(type, shape);
  }
  return shape;
}

function makeShape(type: GraphQLOutputType): OutputShape {
  if (isNonNullType(type)) return { kind: 'nonNull', inner: shapeOf(type.ofType) };
  if (isListType(type)) return { kind: 'list', item: shapeOf(type.ofType) };
  if (isLeafType(type)) return { kind: 'leaf', serialize: serializerOf(type) };
  if (isAbstractType(type)) return { kind: 'abstract', type };
  return { kind: 'object', type };
}

/** Whether a field's values have objects in them. */
export function isComposite(shape: OutputShape): boolean {
  if (shape.kind === 'nonNull') return isComposite(shape.inner);
  if (shape.kind === 'list') return isComposite(shape.item);
  return shape.kind !== 'leaf';
}
