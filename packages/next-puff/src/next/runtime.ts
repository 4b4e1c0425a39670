// What the code written by the loader imports. Not for people: use `route()` and `action()`.
import { watchClients } from '../context/client-connection.cjs';

// `withPuff` has normally done this when the server started, before its first request.
watchClients();

export { puffTask } from '../tasks/puff-task.js';
export { puffUpgrade } from '../websocket/unanswered.js';
export { puffAction, puffWrapAction } from './action.js';
export { puffRoute } from './route.js';
