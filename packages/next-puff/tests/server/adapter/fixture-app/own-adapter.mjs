import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An adapter that an app has itself. It leaves word of what it was told. */
export default {
  name: 'own-adapter',

  modifyConfig(config, { phase }) {
    return { ...config, env: { ...config.env, OWN_ADAPTER: phase } };
  },

  onBuildComplete({ config, outputs, buildId, distDir }) {
    const word = {
      buildId,
      phase: config.env.OWN_ADAPTER,
      hasRoutes: outputs.appRoutes.length > 0,
      isAfterNextPuff: existsSync(join(distDir, 'next-puff', 'site.json')),
    };
    writeFileSync(join(distDir, 'own-adapter.json'), JSON.stringify(word));
  },
};
