import { createRequire } from 'node:module';
import { addonFile, loadAddon } from '@next-puff/core-native';
import { NativeUnavailableError } from './errors.js';

/** What the addon exports. */
export type Native = ReturnType<typeof loadAddon> & DirectFunctions;

/** What it exports without napi-derive, which describes the rest; see `boundary/direct.rs`. */
interface DirectFunctions {
  /**
   * Publishes a message (kind 0 text, 1 bytes, 2 JSON) and returns how many subscribers of this process took it.
   *
   * Throws a message that begins with `PUFF_PUBSUB_OVERFLOW: ` when too many wait for the way to other processes.
   */
  pubsubPublish(
    channel: string,
    kind: number,
    content: string | Uint8Array,
    sender: string | undefined,
  ): number;
}

/** The native side of an isolate's boundary. */
export type Boundary = InstanceType<Native['Boundary']>;

/** What a pool is doing: its limit, open and idle connections, waiting callers. */
export type PoolStatus = ReturnType<Native['postgresPoolStatus']>;

let loaded: Native | undefined;

/**
 * Loads the native core into this isolate, once.
 *
 * @throws {NativeUnavailableError} when there is no addon for this platform or it cannot be loaded.
 */
export function loadNative(): Native {
  loaded ??= load();
  return loaded;
}

/** The addon's file, for those who copy it. Throws when there is none. */
export function addonPath(): string {
  const require = createRequire(import.meta.resolve('@next-puff/core-native'));
  return require.resolve(addonFile);
}

function load(): Native {
  try {
    return loadAddon() as Native;
  } catch (cause) {
    const { code, message = '' } = cause as { code?: string; message?: string };
    const platform = `${process.platform}-${process.arch}`;
    if (code === 'MODULE_NOT_FOUND') {
      throw new NativeUnavailableError(
        `The native core of next-puff is missing for ${platform}: ${addonFile} does not exist.`,
        {
          cause,
          operation: 'load',
          hint: 'In a checkout of next-puff run `npm run build`; in an app, install on the platform that runs it (node_modules cannot be copied between platforms).',
        },
      );
    }
    throw new NativeUnavailableError(
      `The native core of next-puff cannot be loaded on ${platform}: ${message.split('\n')[0]}`,
      {
        cause,
        operation: 'load',
        hint: 'The addon was built for another platform, C library or Node.js version: remove node_modules and install again on this machine.',
      },
    );
  }
}
