import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const PACKAGE = join(import.meta.dirname, '../../..');
// Below the tests, so that the copies find the packages of the workspace.
const BUILDS = join(import.meta.dirname, '../.puff');
const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');
const LOCK_MS = 180_000;

/** The folders of `fixtures` that make an app, the later laid over the earlier. */
const FOLDERS = {
  'every-route': ['every-route'],
  based: ['every-route', 'based'],
  partial: ['partial'],
} as const;

export type Variant = keyof typeof FOLDERS;

type Variables = Record<string, string | undefined>;

/** An app that was built, to be copied for every server that runs it. */
export class BuiltApp {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Builds a variant, or finds it built: builds are kept, by the hash of what goes into them, because
   * several test files use the same.
   */
  static async of(variant: Variant): Promise<BuiltApp> {
    const dir = join(BUILDS, `${variant}-${inputsOf(variant)}`);
    const lock = `${dir}.lock`;
    mkdirSync(BUILDS, { recursive: true });
    for (const end = Date.now() + LOCK_MS; !existsSync(dir); ) {
      try {
        mkdirSync(lock);
      } catch {
        if (Date.now() > end) rmSync(lock, { recursive: true, force: true });
        await sleep(200);
        continue;
      }
      try {
        if (!existsSync(dir)) await build(variant, dir);
      } finally {
        rmSync(lock, { recursive: true, force: true });
      }
    }
    return new BuiltApp(dir);
  }

  /** The port that the app's rewrites to another server lead to. */
  get upstreamPort(): number {
    return Number(readFileSync(join(this.#dir, 'upstream-port'), 'utf8'));
  }

  get buildId(): string {
    return readFileSync(join(this.#dir, '.next/BUILD_ID'), 'utf8');
  }

  /** The id of a server action, by the name of its export. */
  actionId(name: string): string {
    const path = join(this.#dir, '.next/server/server-reference-manifest.json');
    const { node } = JSON.parse(readFileSync(path, 'utf8')) as {
      node: Record<string, { exportedName: string }>;
    };
    const found = Object.entries(node).find(([, { exportedName }]) => exportedName === name);
    if (found === undefined) throw new Error(`There is no action ${name}.`);
    return found[0];
  }

  /** The URL path of a built static file: the first whose name ends so. */
  asset(ending: string): string {
    const files = readdirSync(join(this.#dir, '.next/static'), { recursive: true }) as string[];
    const found = files.sort().find((file) => file.endsWith(ending));
    if (found === undefined) throw new Error(`No static file ends with ${ending}.`);
    return `/_next/static/${found}`;
  }

  /** A copy for one server, which may write into it. */
  copy(): string {
    const dir = mkdtempSync(join(BUILDS, 'copy-'));
    cpSync(this.#dir, dir, { recursive: true, preserveTimestamps: true });
    return dir;
  }
}

async function build(variant: Variant, dir: string): Promise<void> {
  for (const former of readdirSync(BUILDS)) {
    const isSame = former.startsWith(`${variant}-`) && !former.endsWith('.lock');
    if (isSame) rmSync(join(BUILDS, former), { recursive: true, force: true, maxRetries: 5 });
  }
  const draft = mkdtempSync(join(BUILDS, 'draft-'));
  for (const folder of FOLDERS[variant]) {
    cpSync(join(FIXTURES, folder), draft, { recursive: true });
  }
  writeFileSync(join(draft, 'public/files/big.txt'), bigText());
  // Not one that the system hands out, so that it is still free when tests listen on it.
  const port = String(20_000 + Math.floor(Math.random() * 10_000));
  writeFileSync(join(draft, 'upstream-port'), port);
  const child = spawn(process.execPath, [NEXT, 'build'], {
    cwd: draft,
    env: environment({ DATABASE_URL: '', FIXTURE_UPSTREAM_PORT: port }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`next build failed:\n${output}`);
  rmSync(join(draft, '.next/cache'), { recursive: true, force: true });
  renameSync(draft, dir);
}

/** The environment for an app, without what the tests' own run has set. */
export function environment(added: Variables): NodeJS.ProcessEnv {
  const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, NODE_OPTIONS: ___, ...inherited } = process.env;
  const environment: Variables = { ...inherited, NEXT_TELEMETRY_DISABLED: '1', ...added };
  return environment as NodeJS.ProcessEnv;
}

/** Hash of the fixture's files and of next-puff's own that take part in a build. */
function inputsOf(variant: Variant): string {
  const hash = createHash('sha256');
  const add = (dir: string, filter: (file: string) => boolean = () => true) => {
    const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    for (const path of files.map((file) => join(file.parentPath, file.name)).sort()) {
      if (filter(path)) hash.update(path).update(readFileSync(path));
    }
  };
  for (const folder of FOLDERS[variant]) add(join(FIXTURES, folder));
  const takesPart = /\/dist\/(next|config|context|server\/adapter)\/.*\.(js|cjs)$/;
  add(join(PACKAGE, 'dist'), (file) => takesPart.test(file));
  return hash.digest('hex').slice(0, 12);
}

/** Long enough for ranges and for compression. */
function bigText(): string {
  return Array.from({ length: 6_000 }, (_, line) => `Line ${line} of a file that is long.\n`).join(
    '',
  );
}
