import { AsyncLocalStorage } from 'node:async_hooks';

// Next.js' own modules expect it here before any of them is loaded, whatever is loaded first
// (next/dist/server/node-environment-baseline.js).
const globals = globalThis as { AsyncLocalStorage?: typeof AsyncLocalStorage };
globals.AsyncLocalStorage ??= AsyncLocalStorage;
