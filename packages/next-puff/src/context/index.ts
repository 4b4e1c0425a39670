export {
  type ContextKind,
  currentContext,
  type Finisher,
  type IsolationLevel,
  type Outcome,
  RequestContext,
  type RequestContextOptions,
  runInContext,
} from './request-context.js';
