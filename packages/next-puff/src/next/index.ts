export { currentContext, type IsolationLevel, type RequestContext } from '../context/index.js';
export { action, type ServerAction } from './action.js';
export type { HandlerOptions } from './handler-options.js';
export { type RouteHandler, type RouteHandlerContext, route } from './route.js';
