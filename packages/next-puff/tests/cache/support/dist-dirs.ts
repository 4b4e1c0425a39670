import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folders: string[] = [];

/** An empty `.next`, of a build if there is one. */
export function newDistDir(buildId?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'next-puff-cache-'));
  folders.push(folder);
  if (buildId !== undefined) writeFileSync(join(folder, 'BUILD_ID'), buildId);
  return folder;
}

/** Removes what {@link newDistDir} has made. */
export function removeDistDirs(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders = [];
}
