const TEXT = Symbol('html');

/** HTML that was made by {@link html}. */
export interface Html {
  readonly [TEXT]: string;
}

/** What a template can hold: text is escaped, HTML is not, nothing is left out. */
export type Content = Html | string | number | undefined | false | readonly Content[];

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Makes HTML of a template; what is put into it stays text, also in quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  let text = strings[0] ?? '';
  for (const [i, value] of values.entries()) text += textOf(value) + (strings[i + 1] ?? '');
  return { [TEXT]: text };
}

/** The text of HTML, to be sent. */
export function textOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (typeof content === 'object') {
    return TEXT in content ? content[TEXT] : content.map(textOf).join('');
  }
  return String(content).replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
}
