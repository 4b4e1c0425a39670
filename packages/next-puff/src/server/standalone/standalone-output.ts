import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonPath } from '../../native.js';
import { SITE_MANIFEST_PATH } from '../adapter/site-manifest.js';

/** A build whose output is to run by itself. */
export interface StandaloneBuild {
  projectDir: string;
  distDir: string;
  config: { outputFileTracingRoot?: string };
}

/** `nodeFileTrace` of `@vercel/nft`, which comes with Next.js. */
type Trace = (
  files: string[],
  options: { base: string; processCwd: string },
) => Promise<{ fileList: Set<string> }>;

/** The program beside Next.js' `server.js`. */
const PROGRAM = 'puff-server.mjs';
/** Next.js writes it. */
const MANIFEST = 'required-server-files.json';

/** What `puff-server.mjs` runs. */
const MAIN = fileURLToPath(new URL('../../cli/standalone.js', import.meta.url));
/** Found by its path at run time only. */
const WORKER = fileURLToPath(new URL('../worker.js', import.meta.url));

/**
 * Adds the server of next-puff to the folder `standalone` of a build, which Next.js writes later: what
 * is to be copied is found now, and copied when the build's process exits.
 */
export async function addToStandalone(build: StandaloneBuild): Promise<void> {
  const { projectDir, distDir } = build;
  const root = build.config.outputFileTracingRoot ?? projectDir;
  const files = await filesOfServer(projectDir, root);
  process.once('exit', () => {
    const standalone = join(distDir, 'standalone');
    const app = join(standalone, relative(root, projectDir));
    // Not there when the build has failed since.
    if (!existsSync(join(app, 'server.js'))) return;
    for (const file of files) copy(join(root, file), join(standalone, file));
    const site = join(distDir, SITE_MANIFEST_PATH);
    if (existsSync(site)) copy(site, join(standalone, relative(root, site)));
    writeFileSync(join(app, PROGRAM), programOf(build));
  });
}

/** The program; there is no `next.config` to evaluate, so the build has kept what it said. */
function programOf({ projectDir, distDir }: StandaloneBuild): string {
  const below = (path: string) => {
    const url = relative(projectDir, path).split(sep).join('/');
    return JSON.stringify(url.startsWith('.') ? url : `./${url}`);
  };
  return `// Serves this app through the server of next-puff; server.js does it with Next.js alone.
import { readFileSync } from 'node:fs';

const manifest = new URL(${below(join(distDir, MANIFEST))}, import.meta.url);
const { config } = JSON.parse(readFileSync(manifest, 'utf8'));
process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = JSON.stringify(config);
process.env.NODE_ENV = 'production';
process.chdir(import.meta.dirname);
await import(${below(MAIN)});
`;
}

/**
 * The files that the server loads, below the root of the output. What it loads of Next.js through the app
 * is in Next.js' own output: `server.js` begins with the same.
 */
async function filesOfServer(projectDir: string, root: string): Promise<string[]> {
  const require = createRequire(join(projectDir, 'package.json'));
  const { nodeFileTrace } = require('next/dist/compiled/@vercel/nft') as { nodeFileTrace: Trace };
  const { fileList } = await nodeFileTrace([MAIN, WORKER, addonPath()], {
    base: root,
    processCwd: projectDir,
  });
  return [...fileList].filter((file) => !file.startsWith(`..${sep}`));
}

/** Copies a file or a symbolic link, unless it is there. */
function copy(from: string, to: string): void {
  const isThere = lstatSync(to, { throwIfNoEntry: false }) !== undefined;
  const source = lstatSync(from, { throwIfNoEntry: false });
  if (isThere || source === undefined) return;
  mkdirSync(dirname(to), { recursive: true });
  if (source.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else cpSync(from, to, { recursive: true });
}
