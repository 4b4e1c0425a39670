import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildAdapter } from './next-build.js' with { 'resolution-mode': 'import' };

// There is one slot for an adapter. The config is always evaluated in the process that uses the
// adapter, before it does, so the one that stood there can wait here.
let formerPath: string | undefined;

/** Takes the slot of a config whose adapter was `path`, and answers with what to put there. */
export function takeAdapterSlot(path: string | undefined): string {
  const ours = join(__dirname, 'adapter.cjs');
  // A config may be wrapped twice, and Next.js may hand one on that it has completed.
  if (path !== ours) formerPath = path ?? (process.env.NEXT_ADAPTER_PATH || undefined);
  return ours;
}

/** The path of the adapter that stood in the slot. */
export function formerAdapterPath(): string | undefined {
  return formerPath;
}

/** The adapter that stood in the slot, found as Next.js finds it. */
export async function formerAdapter(projectDir: string): Promise<BuildAdapter | undefined> {
  if (formerPath === undefined) return undefined;
  const configModule = requireFrom(projectDir).resolve('next/dist/server/config.js');
  const file = createRequire(configModule).resolve(formerPath);
  const loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
  return (loaded.default ?? loaded) as BuildAdapter;
}

/** Loads what a project's own code would load. */
export function requireFrom(projectDir: string): NodeJS.Require {
  return createRequire(join(projectDir, 'package.json'));
}
