/** What of webpack's compiler is used. */
interface Compiler {
  webpack: { sources: { RawSource: new (text: string) => unknown } };
  hooks: {
    thisCompilation: { tap(name: string, listener: (compilation: Compilation) => void): void };
  };
}

interface Compilation {
  hooks: {
    processAssets: {
      tap(options: { name: string; stage: number }, listener: (assets: Assets) => void): void;
    };
  };
  updateAsset(name: string, update: (source: { source(): unknown }) => unknown): void;
}

type Assets = Record<string, unknown>;

const NAME = 'next-puff: types of UPGRADE';

/** `Compilation.PROCESS_ASSETS_STAGE_REPORT`: after Next.js has written its type guards. */
const STAGE_REPORT = 5000;

/**
 * Lets route files export `UPGRADE`: the type guards that Next.js writes when it builds with webpack allow
 * no name that they do not know.
 */
export class UpgradeTypesPlugin {
  apply({ hooks, webpack }: Compiler): void {
    hooks.thisCompilation.tap(NAME, (compilation) => {
      compilation.hooks.processAssets.tap({ name: NAME, stage: STAGE_REPORT }, (assets) => {
        for (const asset of Object.keys(assets)) {
          if (!/[\\/]types[\\/]app[\\/](?:.*[\\/])?route\.ts$/.test(asset)) continue;
          compilation.updateAsset(asset, (source) => {
            return new webpack.sources.RawSource(withoutUpgrade(String(source.source())));
          });
        }
      });
    });
  }
}

function withoutUpgrade(guard: string): string {
  return guard.replace(
    /^type TEntry = (typeof import\('.*'\))$/m,
    "type TEntry = Omit<$1, 'UPGRADE'>",
  );
}
