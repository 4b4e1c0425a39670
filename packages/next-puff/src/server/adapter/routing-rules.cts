import { format } from 'node:url';
import type {
  LoadNext,
  ManifestHeader,
  ManifestRedirect,
  ManifestRule,
  ProxyMatcher,
  RouteHas,
} from './next-build.js' with { 'resolution-mode': 'import' };
import type { Condition, HeaderRule, RedirectRule, Rule } from './site-manifest.js' with {
  'resolution-mode': 'import',
};

interface PathToRegexp {
  parse(path: string): (string | { name: string | number })[];
}

interface Destinations {
  prepareDestination(args: {
    appendParamsToQuery: boolean;
    destination: string;
    params: object;
    query: object;
  }): { parsedDestination: { query?: object; search?: string; pathname: string } };
}

/** Reads the rules of `next.config` as the build has compiled them. */
export class RoutingRules {
  readonly #pathToRegexp: PathToRegexp;
  readonly #destinations: Destinations;
  readonly #ignoreCase: boolean;

  constructor(loadNext: LoadNext, manifest: { caseSensitive?: boolean }) {
    this.#pathToRegexp = loadNext('dist/compiled/path-to-regexp') as PathToRegexp;
    this.#destinations = loadNext(
      'dist/shared/lib/router/utils/prepare-destination',
    ) as Destinations;
    this.#ignoreCase = !manifest.caseSensitive;
  }

  rule(route: ManifestRule): Rule {
    return { ...conditions(route), regex: route.regex, ignoreCase: this.#ignoreCase };
  }

  proxy(matcher: ProxyMatcher): Rule {
    return { ...conditions(matcher), regex: matcher.regexp, ignoreCase: false };
  }

  header(route: ManifestHeader): HeaderRule {
    const names = this.#paramNames(route.source);
    const texts = route.headers.flatMap(({ key, value }) => [key, value]);
    // Next.js compiles what has a colon as if it were a path. Without a parameter in it only a
    // backslash gets lost on the way.
    const isLiteral = (text: string) =>
      !text.includes(':') ||
      (!text.includes('\\') && !names.some((name) => text.includes(`:${name}`)));
    return {
      ...this.rule(route),
      headers: route.headers.map(({ key, value }) => ({ key, value })),
      hasParams: names.length > 0 && !texts.every(isLiteral),
    };
  }

  redirect(route: ManifestRedirect): RedirectRule {
    const location = this.#fixedLocation(route);
    return {
      ...this.rule(route),
      status: route.statusCode,
      ...(location === undefined ? {} : { location }),
    };
  }

  /** Where a redirect leads a URL without a query, if that is the same for all of its URLs. */
  #fixedLocation(route: ManifestRedirect): string | undefined {
    const isFixed = this.#pathToRegexp
      .parse(route.source)
      .every((part) => typeof part === 'string');
    if (!isFixed || route.has?.length) return undefined;
    const { parsedDestination } = this.#destinations.prepareDestination({
      appendParamsToQuery: false,
      destination: route.destination,
      params: {},
      query: {},
    });
    const { query, ...target } = parsedDestination;
    if (Object.keys(query ?? {}).length > 0) return undefined;
    const location = format({ ...target, search: '' });
    // Anything that might be written in two ways is left to Next.js.
    return /^(https?:\/)?(\/[\w.:~-]+)+$/.test(location) ? location : undefined;
  }

  #paramNames(source: string): string[] {
    const parts = this.#pathToRegexp.parse(source);
    return parts.flatMap((part) =>
      typeof part === 'object' && typeof part.name === 'string' ? [part.name] : [],
    );
  }
}

function conditions(route: { has?: RouteHas[]; missing?: RouteHas[] }): {
  has: Condition[];
  missing: Condition[];
} {
  return { has: (route.has ?? []).map(condition), missing: (route.missing ?? []).map(condition) };
}

function condition({ type, key }: RouteHas): Condition {
  return key === undefined ? { type } : { type, key };
}
