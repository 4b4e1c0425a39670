import { log } from './lib/log';

export function register() {}

export function onRequestError(
  error: Error,
  request: { path: string; method: string; headers: Record<string, unknown> },
  context: Record<string, unknown>,
) {
  log.push(
    `onRequestError ${error.message} ${request.method} ${request.path} ${request.headers['x-note']} ${JSON.stringify(context)}`,
  );
}
