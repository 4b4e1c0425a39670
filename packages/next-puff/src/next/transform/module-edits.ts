import MagicString, { type SourceMap } from 'magic-string';
import { type ExportNamed, endOf, type SyntaxNode, startOf } from './module-source.js';

const RUNTIME = 'next-puff/next/runtime';

/** The functions of `next-puff/next/runtime`. */
type RuntimeFunction = 'puffUpgrade' | 'puffRoute' | 'puffAction' | 'puffWrapAction' | 'puffTask';

/**
 * Changes to the text of one module.
 *
 * What is added goes to the end of the module or stays on its line, so that line numbers remain.
 */
export class ModuleEdits {
  readonly #code: string;
  readonly #text: MagicString;
  readonly #imports = new Set<RuntimeFunction>();
  readonly #appended: string[] = [];
  #bindings = 0;

  constructor(code: string) {
    this.#code = code;
    this.#text = new MagicString(code);
  }

  /** The local name of a runtime function, which is then imported. */
  runtime(name: RuntimeFunction): string {
    this.#imports.add(name);
    return `__${name}`;
  }

  /** A module-level name that nothing else has. */
  freshName(base: string): string {
    let name: string;
    do name = `__puff_${base}_${this.#bindings++}`;
    while (this.#code.includes(name));
    return name;
  }

  insertBefore(offset: number, text: string): void {
    this.#text.appendLeft(offset, text);
  }

  /** Puts text around a range. */
  surround(start: number, end: number, before: string, after: string): void {
    this.#text.appendRight(start, before);
    this.#text.prependLeft(end, after);
  }

  /** Takes the word `export` from a declaration. */
  dropExportKeyword(statement: ExportNamed): void {
    this.#text.remove(startOf(statement), startOf(statement.declaration as SyntaxNode));
  }

  replace(node: SyntaxNode, text: string): void {
    if (text === '') this.#text.remove(startOf(node), endOf(node));
    else this.#text.overwrite(startOf(node), endOf(node), text);
  }

  /** Adds a statement to the end of the module. */
  append(statement: string): void {
    this.#appended.push(statement);
  }

  /** Exports an expression under a name, in place of whatever was exported so before. */
  exportAs(name: string, expression: string): void {
    const isIdentifier = /^[\w$]+$/.test(name);
    const local = this.freshName(isIdentifier ? name : 'export');
    this.append(`const ${local} = ${expression};`);
    this.append(`export { ${local} as ${isIdentifier ? name : quote(name)} };`);
  }

  get isEmpty(): boolean {
    return !this.#text.hasChanged() && this.#appended.length === 0;
  }

  /** The changed text and its source map. Imports are hoisted, so they may stand at the end. */
  finish(path: string): { code: string; map: SourceMap } {
    if (this.#imports.size > 0) {
      const names = [...this.#imports].sort().map((name) => `${name} as __${name}`);
      this.#appended.push(`import { ${names.join(', ')} } from '${RUNTIME}';`);
    }
    this.#text.append(`\n${this.#appended.join('\n')}\n`);
    const map = this.#text.generateMap({ source: path, includeContent: true, hires: 'boundary' });
    return { code: this.#text.toString(), map };
  }
}

/** A name as JavaScript text. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
