export { type PostgresTaskStoreOptions, postgresTaskStore } from './postgres-store.js';
