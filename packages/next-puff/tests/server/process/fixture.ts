import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cli, cli, FIXTURE_APP } from '../../cli/support/cli';

/** Nobody listens there: for tests in which the database plays no part. */
export const NO_DATABASE = 'postgres://nobody@127.0.0.1:1/nothing';

/** Removes what a build and an embedded database leave in the fixture app. */
export function forgetFixture(): void {
  for (const name of ['.puff', '.next']) {
    rmSync(join(FIXTURE_APP, name), { recursive: true, force: true });
  }
}

/** Builds the fixture app, with a standalone output beside the usual one. */
export async function buildFixture(): Promise<void> {
  forgetFixture();
  // From another folder, which the build has to cope with.
  const { code, stderr, stdout } = await cli(['build', FIXTURE_APP], {
    env: { FIXTURE_OUTPUT: 'standalone' },
  });
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
}

/** Serves the built app on a free port of this machine. */
export function startFixture(args: string[] = [], env: Record<string, string> = {}): Cli {
  return new Cli(['start', FIXTURE_APP, '-p', '0', '-H', '127.0.0.1', ...args], {
    env: { DATABASE_URL: NO_DATABASE, ...env },
  });
}

/** A file that the fixture app writes notes to. */
export class Notes {
  readonly #directory = mkdtempSync(join(tmpdir(), 'next-puff-notes-'));
  readonly file = join(this.#directory, 'notes');

  /** What was noted, sorted: several threads may write. */
  read(): string[] {
    try {
      return readFileSync(this.file, 'utf8').split('\n').slice(0, -1).sort();
    } catch {
      return [];
    }
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}

/** The process that serves: the CLI's own, or one that it has started. */
export function servingProcess({ process: { pid } }: Cli): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean);
  const serving = [`${pid}`, ...children].find((candidate) => {
    const name = readFileSync(`/proc/${candidate}/cmdline`, 'utf8');
    return name.startsWith('next-puff (Next.js');
  });
  if (serving === undefined)
    throw new Error(`No process serves among ${[pid, ...children].join(', ')}.`);
  return Number(serving);
}
