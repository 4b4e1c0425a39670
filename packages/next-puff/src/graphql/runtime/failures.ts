import { GraphQLError, locatedError } from 'graphql';
import type { AnsweredFailure, JsonValue } from '../native/protocol.js';

/** Where an error happened, for reports. */
export interface ErrorPlace {
  /** The field as `Type.field`; `context` or `settings` for those functions. */
  readonly coordinate: string;
  /** Response keys and list indices, as far as they are known. */
  readonly path: readonly (string | number)[];
  readonly operationName: string | null;
}

/** Is told of the errors that clients do not see. */
export type ErrorReporter = (error: unknown, place: ErrorPlace) => void;

/** What clients see of an error. */
export interface ShownError {
  message: string;
  extensions?: { [name: string]: JsonValue };
}

const MASKED: ShownError = {
  message: 'Unexpected error.',
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
};

/**
 * Decides what clients see of errors, and reports the rest; one per operation.
 *
 * Most operations have no errors: what is kept of them is made with the first.
 */
export class ErrorMask {
  readonly #isMasking: boolean;
  readonly #report: ErrorReporter;
  /** One error may have failed many objects. */
  #reported: WeakSet<object> | undefined;
  /** Messages of the failures that were answered: the engine reports them again. */
  #answered: Set<string> | undefined;

  constructor(isMasking: boolean, report: ErrorReporter | undefined) {
    this.#isMasking = isMasking;
    this.#report = report ?? logError;
  }

  /** One that has seen no error yet. */
  renewed(): ErrorMask {
    return new ErrorMask(this.#isMasking, this.#report);
  }

  /** What clients see of what was thrown. */
  show(thrown: unknown, place: () => ErrorPlace): ShownError {
    const isPublic = isPublicError(thrown);
    if (!isPublic) this.#reportOnce(thrown, place);
    return isPublic || !this.#isMasking ? exposed(thrown) : MASKED;
  }

  /** The failure of a whole field; the engine masks what is not public. */
  failure(thrown: unknown, place: () => ErrorPlace): AnsweredFailure {
    const isPublic = isPublicError(thrown);
    if (!isPublic) this.#reportOnce(thrown, place);
    const { message, extensions } = exposed(thrown);
    this.#answered ??= new Set();
    this.#answered.add(message);
    const failure: AnsweredFailure = { message, isPublic };
    if (extensions !== undefined) {
      failure.extensions = extensions;
      if (typeof extensions.code === 'string') failure.code = extensions.code;
    }
    return failure;
  }

  /** Reports a failure that the engine tells of, unless it was answered here. */
  reportFailure(error: unknown, message: string, place: ErrorPlace): void {
    if (!this.#answered?.has(message)) this.#reportOnce(error, () => place);
  }

  #reportOnce(thrown: unknown, place: () => ErrorPlace): void {
    if (typeof thrown === 'object' && thrown !== null) {
      this.#reported ??= new WeakSet();
      if (this.#reported.has(thrown)) return;
      this.#reported.add(thrown);
    }
    try {
      this.#report(thrown, place());
    } catch (error) {
      console.error('next-puff: onError threw:', error);
    }
  }
}

/** A GraphQLError was written for clients, unless it wraps an error that was not. */
function isPublicError(thrown: unknown): boolean {
  if (!isGraphqlError(thrown)) return false;
  const { originalError } = thrown;
  return originalError === undefined || originalError === null || isPublicError(originalError);
}

/** Also one of another copy of graphql. */
function isGraphqlError(thrown: unknown): thrown is GraphQLError {
  if (thrown instanceof GraphQLError) return true;
  return thrown instanceof Error && thrown.name === 'GraphQLError' && 'extensions' in thrown;
}

function exposed(thrown: unknown): ShownError {
  const { message, extensions } = locatedError(thrown, undefined, undefined);
  if (Object.keys(extensions).length === 0) return { message };
  return { message, extensions: jsonOf(extensions) };
}

/** Extensions are anything that a program puts there; what is no JSON is left out. */
function jsonOf(extensions: Record<string, unknown>): { [name: string]: JsonValue } {
  try {
    return JSON.parse(JSON.stringify(extensions));
  } catch {
    const entries = Object.entries(extensions).filter(([, value]) => typeof value === 'string');
    return Object.fromEntries(entries) as { [name: string]: JsonValue };
  }
}

function logError(error: unknown, { coordinate, path }: ErrorPlace): void {
  const where = path.length > 0 ? ` at ${path.join('.')}` : '';
  console.error(`next-puff: ${coordinate} failed${where}:`, error);
}
