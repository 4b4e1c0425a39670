export type { RedisSettings } from './connection.js';
export { type BullmqTaskStoreOptions, bullmqTaskStore } from './store.js';
