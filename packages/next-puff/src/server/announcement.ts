import { networkInterfaces } from 'node:os';
import { styleText } from 'node:util';

/** Where a server can be reached. */
export interface ServerUrls {
  /** From this machine. */
  local: string;
  /** From others; none without a network. */
  network: string | undefined;
}

/**
 * The URLs of a server, as `next start` prints them.
 *
 * @param hostname as it was asked for
 * @param address where it listens, with its port
 */
export function serverUrls(
  protocol: 'http' | 'https',
  hostname: string | undefined,
  address: string,
): ServerUrls {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  const url = (name: string) => `${protocol}://${name.includes(':') ? `[${name}]` : name}:${port}`;
  const actual = host.replace(/^\[|\]$/g, '');
  const network = hostname ?? networkAddress();
  return {
    local: url(localName(hostname, actual)),
    network: network === undefined ? undefined : url(network),
  };
}

function localName(hostname: string | undefined, actual: string): string {
  if (hostname === undefined || actual === '0.0.0.0') return 'localhost';
  return actual === '::' ? '::1' : hostname;
}

/** An address that others can see. */
function networkAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const outside = addresses.filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0);
  return (outside.find(({ family }) => family === 'IPv4') ?? outside[0])?.address;
}

/** What is said when a server is ready. */
export interface Announcement {
  nextVersion: string;
  /** How Next.js runs, for example `Turbopack` or `4 workers`. */
  details: string | undefined;
  urls: ServerUrls;
  /** Since the command was given. */
  tookMs: number;
}

/** Prints where the app is, in the form of Next.js' own servers, which people and programs know. */
export function announce({ nextVersion, details, urls, tookMs }: Announcement): void {
  const title = paint(['bold', 'magenta'], `▲ Next.js ${nextVersion}`);
  const lines = [
    `${title} in next-puff${details === undefined ? '' : ` (${details})`}`,
    `- Local:         ${urls.local}`,
    ...(urls.network === undefined ? [] : [`- Network:       ${urls.network}`]),
    `${paint(['bold', 'green'], '✓')} Ready in ${duration(tookMs)}`,
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

function paint(formats: ('bold' | 'magenta' | 'green')[], text: string): string {
  if (!process.stdout.isTTY || !process.stdout.hasColors?.()) return text;
  return formats.reduce((painted, format) => styleText(format, painted), text);
}
