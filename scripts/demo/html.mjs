/** Just enough of an HTML parser for pages that React wrote: every element is closed, or void. */

const VOID = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));
/** Their content is text up to their own end tag. */
const RAW = new Set(['script', 'style', 'textarea', 'title', 'noscript']);
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/** An element of a page, or the page itself. */
export class Element {
  constructor(tag, attributes = {}, parent = undefined) {
    this.tag = tag;
    this.attributes = attributes;
    this.parent = parent;
    this.children = [];
  }

  /** The text inside, with white space as a reader sees it. */
  get text() {
    return this.#rawText().replace(/\s+/g, ' ').trim();
  }

  /** All elements inside, at any depth, in the order of the page. */
  *descendants() {
    for (const child of this.children) {
      if (typeof child === 'string') continue;
      yield child;
      yield* child.descendants();
    }
  }

  /** The elements inside with this tag and, if given, these attribute values (`true`: any value). */
  all(tag, attributes = {}) {
    return [...this.descendants()].filter((element) => element.#is(tag, attributes));
  }

  first(tag, attributes) {
    return this.all(tag, attributes)[0];
  }

  /** The nearest element around this one with the tag. */
  closest(tag) {
    return this.tag === tag ? this : this.parent?.closest(tag);
  }

  #is(tag, attributes) {
    if (tag !== '*' && this.tag !== tag) return false;
    return Object.entries(attributes).every(([name, value]) =>
      value === true ? name in this.attributes : this.attributes[name] === value,
    );
  }

  #rawText() {
    if (this.tag === 'script' || this.tag === 'style') return '';
    return this.children
      .map((child) => (typeof child === 'string' ? child : child.#rawText()))
      .join('');
  }
}

/** Parses a page. */
export function parseHtml(html) {
  const root = new Element('#document');
  let open = root;
  const token =
    /<!--[\s\S]*?-->|<!doctype[^>]*>|<(\/?)([a-z][\w:-]*)((?:"[^"]*"|'[^']*'|[^>"'])*?)(\/?)>/gi;
  let end = 0;
  for (let match = token.exec(html); match; match = token.exec(html)) {
    if (match.index > end) open.children.push(decode(html.slice(end, match.index)));
    end = token.lastIndex;
    const [, slash, name, attributes, selfClosing] = match;
    if (name === undefined) continue;
    const tag = name.toLowerCase();
    if (slash) {
      open = open.closest(tag)?.parent ?? open;
      continue;
    }
    const element = new Element(tag, parseAttributes(attributes), open);
    open.children.push(element);
    if (RAW.has(tag)) {
      const close = html.toLowerCase().indexOf(`</${tag}`, end);
      const text = html.slice(end, close);
      element.children.push(tag === 'title' || tag === 'textarea' ? decode(text) : text);
      end = html.indexOf('>', close) + 1;
      token.lastIndex = end;
    } else if (!VOID.has(tag) && !selfClosing) open = element;
  }
  if (end < html.length) open.children.push(decode(html.slice(end)));
  return root;
}

function parseAttributes(text) {
  const attributes = {};
  for (const [, name, double, single, bare] of text.matchAll(
    /([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g,
  ))
    attributes[name.toLowerCase()] = decode(double ?? single ?? bare ?? '');
  return attributes;
}

function decode(text) {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (entity, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ENTITIES[name] ?? entity;
  });
}
