import { ConfigError } from './config-error.cjs';
import { loadConfig } from './load-config.cjs';
import type { PuffConfig, PuffSettings } from './puff-config.cjs';

const VARIABLE = 'NEXT_PUFF_CONFIG';
const DEFAULT_DEADLINE_MS = 30_000;

/** Who wrote the settings into the environment. */
type Publisher = 'cli' | 'withPuff';

interface Published {
  publisher: Publisher;
  settings: PuffSettings;
}

let cached: { text: string | undefined; settings: PuffSettings } | undefined;

/** The plain-data part of a config, with the defaults of `requests` filled in. */
export function settingsOf(config: PuffConfig): PuffSettings {
  return {
    postgres: config.postgres ?? {},
    requests: {
      deadlineMs: config.requests?.deadlineMs ?? DEFAULT_DEADLINE_MS,
      transaction: config.requests?.transaction ?? false,
    },
    pubsub: config.pubsub ?? {},
    tasks: config.tasks ?? {},
    ...(config.redis !== undefined && { redis: config.redis }),
    cache: config.cache ?? {},
  };
}

/**
 * Hands settings to this process and to all that it starts, through the environment.
 *
 * What the CLI published stays when Next.js then evaluates `next.config` and `withPuff` publishes,
 * because the CLI knows more: it may have started the embedded database.
 */
export function publishSettings(settings: PuffSettings, publisher: Publisher): void {
  const present = process.env[VARIABLE];
  if (publisher === 'withPuff' && present && parse(present).publisher === 'cli') return;
  process.env[VARIABLE] = JSON.stringify({ publisher, settings } satisfies Published);
}

/**
 * The settings of this process.
 *
 * They come from the environment, where the CLI or `withPuff` published them. A process that was
 * started without either (a script, a standalone server) reads `puff.config.*` in its working
 * directory, once.
 */
export function settings(): PuffSettings {
  const text = process.env[VARIABLE];
  if (cached === undefined || cached.text !== text) {
    cached = {
      text,
      settings: text ? parse(text).settings : settingsOf(loadConfig(process.cwd())),
    };
  }
  return cached.settings;
}

function parse(text: string): Published {
  try {
    return JSON.parse(text) as Published;
  } catch (error) {
    throw new ConfigError(`The environment variable ${VARIABLE} does not hold JSON.`, {
      cause: error,
      hint: 'next-puff sets it by itself: remove it from your environment.',
    });
  }
}
