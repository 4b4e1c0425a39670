import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { PuffError } from '../errors.js';

const ADVICE: [RegExp, string][] = [
  [/No space left on device|could not extend file/i, 'The disk is full: make room and try again.'],
  [
    /Permission denied|Operation not permitted|Read-only file system/i,
    'Check who owns the .puff directory and whether it may be written (was next-puff run with sudo before?).',
  ],
  [
    /incompatible with server|initialized by PostgreSQL version/i,
    'The data belongs to another major version of PostgreSQL: dump it with that version, or move .puff/postgres/data away to begin with an empty database.',
  ],
  [
    /shared memory|semget|semaphores/i,
    'The system has no shared memory or semaphores left: end other PostgreSQL servers, or raise the limits of the kernel or container.',
  ],
  [
    /could not locate a valid checkpoint|invalid page|corrupt/i,
    'The data directory is damaged: restore it from a copy, or move .puff/postgres/data away to begin with an empty database.',
  ],
];

/**
 * Makes a `PUFF_EMBEDDED_START_FAILED` from what PostgreSQL's programs said: the last lines, and
 * advice for the causes that are known.
 */
export function startFailure(what: string, output: string, cause?: unknown): PuffError {
  const lines = output.trimEnd().split('\n').slice(-15);
  const said = lines.join('\n').trim();
  const advice = ADVICE.find(([pattern]) => pattern.test(said))?.[1];
  return new PuffError(
    'PUFF_EMBEDDED_START_FAILED',
    said === '' ? `${what}; it left no message.` : `${what}. Its last words:\n${indent(said)}`,
    {
      cause,
      hint:
        advice ??
        'Correct the cause above, or set DATABASE_URL to a PostgreSQL server of your own.',
      operation: 'start',
    },
  );
}

/** Returns the end of a log file, at most 16 KB. */
export function logTail(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, 16_384));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
