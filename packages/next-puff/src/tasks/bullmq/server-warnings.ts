import type { IRedisClient } from 'bullmq';
import { say } from '../../report.js';

/** Clocks that are further apart than this make tasks run noticeably early or late. */
const CLOCK_SKEW_MS = 5_000;

/** The oldest Redis that has all commands that BullMQ 6 and the store use. */
const OLDEST_VERSION = [6, 2] as const;

/** Says loudly, once per connection, what of a server's settings can lose jobs. */
export async function warnAboutServer(client: IRedisClient): Promise<void> {
  try {
    for (const warning of warningsFor(await client.info())) say(`WARNING: ${warning}`);
  } catch {
    // Who uses the connection learns that it does not work; a server without INFO cannot be judged.
  }
}

/** What the answer to INFO (Redis manual, `INFO`) shows to be unsafe for a queue. */
export function warningsFor(info: string, now = Date.now()): string[] {
  const fields = new Map<string, string>();
  for (const line of info.split(/\r?\n/)) {
    const end = line.indexOf(':');
    if (end > 0) fields.set(line.slice(0, end), line.slice(end + 1));
  }
  const warnings: string[] = [];
  if (fields.get('aof_enabled') === '0') {
    warnings.push(
      'Redis keeps no append-only file: tasks are lost when it restarts. Set `appendonly yes` (and `appendfsync everysec` or `always`).',
    );
  }
  const policy = fields.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `Redis evicts keys when its memory is full (maxmemory-policy ${policy}): tasks can vanish. Set \`maxmemory-policy noeviction\`.`,
    );
  }
  const skewMs = now - Number(fields.get('server_time_usec')) / 1_000;
  if (Math.abs(skewMs) > CLOCK_SKEW_MS) {
    const [seconds, where] = [
      Math.round(Math.abs(skewMs) / 1_000),
      skewMs > 0 ? 'ahead of' : 'behind',
    ];
    warnings.push(
      `The clock of this process is ${seconds} s ${where} that of Redis: BullMQ goes by the processes' clocks, so delayed tasks run early or late. Have both keep the time by NTP.`,
    );
  }
  const version = fields.get('redis_version');
  if (version !== undefined && isOlder(version)) {
    warnings.push(
      `Redis ${version} is too old for tasks: use ${OLDEST_VERSION.join('.')} or newer.`,
    );
  }
  return warnings;
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1]);
}
