/** A PostgreSQL URL, with the parameters that Prisma adds to it. */
export class DatabaseUrl {
  readonly #server: string;
  readonly #path: string;
  readonly #parameters: URLSearchParams;

  constructor(url: string) {
    // WHATWG's parser refuses `postgresql://user@/db?host=/socket`.
    const [, server = url, path = '', parameters = ''] =
      /^([^/]+:\/\/[^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(url) ?? [];
    this.#server = server;
    this.#path = path;
    this.#parameters = new URLSearchParams(parameters);
  }

  /** The database it names; PostgreSQL's default is the one that is called like the user. */
  get database(): string {
    return this.#parameters.get('dbname') ?? (decodeURIComponent(this.#path) || this.user);
  }

  get user(): string {
    const [, user = ''] = /:\/\/([^:@]*)(?::[^@]*)?@/.exec(this.#server) ?? [];
    return this.#parameters.get('user') ?? decodeURIComponent(user);
  }

  get host(): string {
    return (
      this.#parameters.get('host') ?? (decodeURIComponent(this.#authority.host) || 'localhost')
    );
  }

  get port(): number {
    return Number(this.#parameters.get('port') ?? this.#authority.port ?? 5432);
  }

  /** Prisma's parameter `schema`: where unqualified names live. */
  get schema(): string {
    return this.#parameters.get('schema') ?? 'public';
  }

  /** The same server and user, another database. */
  withDatabase(name: string): DatabaseUrl {
    const parameters = new URLSearchParams(this.#parameters);
    parameters.delete('dbname');
    const query = parameters.size > 0 ? `?${parameters}` : '';
    return new DatabaseUrl(`${this.#server}/${encodeURIComponent(name)}${query}`);
  }

  get #authority(): { host: string; port: string | undefined } {
    const [, authority = ''] = /:\/\/(?:.*@)?(.*)$/s.exec(this.#server) ?? [];
    const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
    return { host, port };
  }

  toString(): string {
    const query = this.#parameters.size > 0 ? `?${this.#parameters}` : '';
    return `${this.#server}/${this.#path}${query}`;
  }
}
