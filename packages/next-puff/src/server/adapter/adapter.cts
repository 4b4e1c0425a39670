import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formerAdapter, formerAdapterPath } from './composition.cjs';
import type { AdaptedConfig, Build, BuildAdapter } from './next-build.js' with {
  'resolution-mode': 'import',
};
import { siteOfBuild } from './site-of-build.cjs';

const PRODUCTION_BUILD = 'phase-production-build';

/**
 * Leaves the routing data of a build where the server in front of it looks for them. An adapter
 * that the app has itself is called as if it had the slot.
 */
const adapter: BuildAdapter = {
  name: 'puff',

  async modifyConfig(config, context) {
    const former = await formerAdapter(context.projectDir);
    const modified = ((await former?.modifyConfig?.(config, context)) ?? config) as AdaptedConfig;
    if (context.phase === PRODUCTION_BUILD) return modified;
    // Next.js serves a little differently for whoever has an adapter: closed routes do not fall
    // through to others. That is for the app's own adapter to want.
    return { ...modified, adapterPath: formerAdapterPath() };
  },

  async onBuildComplete(build) {
    // First, while everything is where Next.js has put it.
    await writeSite(build);
    if (build.config.output === 'standalone') {
      await (await import('../standalone/standalone-output.js')).addToStandalone(build);
    }
    const { tellOfOrphanTasks } = await import('../../next/task-carrier.js');
    tellOfOrphanTasks(build.projectDir);
    const former = await formerAdapter(build.projectDir);
    await former?.onBuildComplete?.(build);
  },
};

async function writeSite(build: Build): Promise<void> {
  const { SITE_MANIFEST_PATH } = await import('./site-manifest.js');
  const path = join(build.distDir, SITE_MANIFEST_PATH);
  try {
    const site = await siteOfBuild(build);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(site));
  } catch (error) {
    // Next.js can route every request itself, and what an older build left would be wrong.
    await rm(path, { force: true });
    console.warn('withPuff: this build has no routing data, so its files and prerenders are');
    console.warn('served by Next.js, which is slower:', error);
  }
}

export = adapter;
