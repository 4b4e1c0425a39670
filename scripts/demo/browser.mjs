import { parseHtml } from './html.mjs';

const MAX_REDIRECTS = 5;

/** A browser without JavaScript: follows links and redirects, keeps cookies, fills in and submits forms. */
export class Browser {
  #origin;
  #cookies = new Map();
  /** The page that is open: its URL, status, headers, HTML and parsed document. */
  page;

  constructor(origin) {
    this.#origin = origin;
  }

  async open(path) {
    return this.#load(new URL(path, this.page?.url ?? this.#origin), { method: 'GET' });
  }

  /** Follows the link with this text. */
  async follow(text) {
    const link = this.page.document.all('a').find((a) => a.text === text);
    if (!link) throw new Error(`${this.page.url} has no link “${text}”.`);
    return this.open(link.attributes.href);
  }

  /** The form with a button of this text. */
  form(buttonText) {
    const button = this.page.document
      .all('button')
      .find((candidate) => candidate.text === buttonText && candidate.attributes.type !== 'button');
    const form = button?.closest('form');
    if (!form) throw new Error(`${this.page.url} has no form with a button “${buttonText}”.`);
    return { form, button, page: this.page };
  }

  /**
   * Submits the form with a button of this text: what it holds already, changed by `values` (a list for fields of the
   * same name). `values` may be ones that the page's own checks would not let through.
   */
  async submit(buttonText, values = {}) {
    return this.send(this.form(buttonText), values);
  }

  /** Submits a form that was found earlier, as a page left open in a tab would. */
  async send({ form, button, page }, values = {}) {
    const fields = new FormData();
    for (const [name, value] of controls(form, button))
      if (!(name in values)) fields.append(name, value);
    for (const [name, given] of Object.entries(values))
      for (const value of [given].flat()) fields.append(name, String(value));

    const method = (form.attributes.method ?? 'get').toUpperCase();
    const target = new URL(button.attributes.formaction ?? form.attributes.action ?? '', page.url);
    if (method === 'GET') {
      target.search = new URLSearchParams(fields).toString();
      return this.#load(target, { method });
    }
    const isMultipart = form.attributes.enctype === 'multipart/form-data';
    return this.#load(target, {
      method,
      body: isMultipart ? fields : new URLSearchParams(fields),
      headers: { origin: this.#origin, referer: page.url },
    });
  }

  /** A request beside the open page, with this browser's cookies; redirects are not followed. */
  async request(path, init = {}) {
    const url = new URL(path, this.#origin);
    const headers = new Headers(init.headers);
    if (this.#cookies.size > 0)
      headers.set(
        'cookie',
        [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      );
    const response = await fetch(url, {
      ...init,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(30_000),
    });
    for (const line of response.headers.getSetCookie()) this.#keepCookie(line);
    return response;
  }

  async #load(target, init) {
    const redirects = [];
    let url = target;
    let request = init;
    for (;;) {
      const headers = {
        accept: 'text/html,*/*;q=0.8',
        'user-agent': 'polls-walk',
        ...request.headers,
      };
      const response = await this.request(url, { ...request, headers });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || !location) {
        const html = await response.text();
        const { status, headers } = response;
        this.page = { url: url.href, status, headers, html, document: parseHtml(html), redirects };
        return this.page;
      }
      await response.arrayBuffer();
      redirects.push({ status: response.status, location });
      if (redirects.length > MAX_REDIRECTS)
        throw new Error(`${target} redirects for ever: ${location}.`);
      url = new URL(location, url);
      // 307 and 308 repeat the request as it was; the others go on with GET.
      if (response.status !== 307 && response.status !== 308) request = { method: 'GET' };
    }
  }

  #keepCookie(line) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const split = pair.indexOf('=');
    const [name, value] = [pair.slice(0, split), pair.slice(split + 1)];
    const isExpired = attributes.some((attribute) => /^max-age=(0|-\d+)$/i.test(attribute));
    if (isExpired) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

/** The name and value of each control that would be sent. */
function* controls(form, button) {
  for (const control of form.descendants()) {
    const { name, type, value = '' } = control.attributes;
    if (name === undefined || 'disabled' in control.attributes) continue;
    if (control.tag === 'textarea') yield [name, control.text];
    else if (control.tag === 'button') {
      if (control === button) yield [name, value];
    } else if (control.tag === 'input') {
      const isChoice = type === 'radio' || type === 'checkbox';
      if (!isChoice || 'checked' in control.attributes)
        yield [name, isChoice ? value || 'on' : value];
    }
  }
}
