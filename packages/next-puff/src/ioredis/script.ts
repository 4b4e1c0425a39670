import { createHash } from 'node:crypto';

/** What `defineCommand` takes. */
export interface ScriptDefinition {
  lua: string;
  /** How many of the arguments are keys; without it the caller's first argument says so. */
  numberOfKeys?: number | undefined;
  readOnly?: boolean | undefined;
}

/** A Lua script that is called by its digest once the server knows it. */
export class Script {
  readonly lua: string;
  readonly digest: string;
  readonly #numberOfKeys: number | undefined;

  constructor(definition: ScriptDefinition) {
    this.lua = definition.lua;
    this.digest = createHash('sha1').update(definition.lua).digest('hex');
    this.#numberOfKeys = definition.numberOfKeys ?? undefined;
  }

  /** The arguments of EVAL and EVALSHA after the script. */
  arguments(args: readonly unknown[]): unknown[] {
    return this.#numberOfKeys === undefined ? [...args] : [this.#numberOfKeys, ...args];
  }
}
