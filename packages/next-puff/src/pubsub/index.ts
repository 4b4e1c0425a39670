export { PubsubConnection } from './connection.js';
export type { JsonValue, PubsubMessage } from './message.js';
export { pubsub } from './pubsub.js';
