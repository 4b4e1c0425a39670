// Loads the addon that was built for this platform; see index.d.ts.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The C library matters on Linux only: an addon linked against one cannot load with the other. */
function isMusl() {
  // The report would look up the name of every peer of a socket, and wait for it.
  const { excludeNetwork } = process.report;
  process.report.excludeNetwork = true;
  const report = process.report.getReport();
  process.report.excludeNetwork = excludeNetwork;
  return typeof report === 'object' && !report.header?.glibcVersionRuntime;
}

function platformName() {
  const { platform, arch } = process;
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  if (platform === 'win32') return `win32-${arch}-msvc`;
  return `${platform}-${arch}`;
}

export const addonFile = process.env.NEXT_PUFF_ADDON ?? `./core-native.${platformName()}.node`;

export function loadAddon() {
  return require(/* webpackIgnore: true */ /* turbopackIgnore: true */ addonFile);
}
