import { readdir } from 'node:fs/promises';
import type { LoadNext } from './next-build.js' with { 'resolution-mode': 'import' };

interface Send {
  mime: { lookup(path: string): string | undefined; charsets: { lookup(type: string): string } };
}

/**
 * The `Content-Type` that Next.js gives to the files of some folders, by what stands behind the
 * last dot of their names. Folders that are not there have no files.
 */
export async function contentTypes(
  loadNext: LoadNext,
  folders: string[],
): Promise<Record<string, string>> {
  // It adds types of its own to `send`.
  loadNext('dist/server/serve-static');
  const { mime } = loadNext('dist/compiled/send') as Send;
  const types: Record<string, string> = {};
  for (const folder of folders) {
    for (const name of await fileNames(folder)) {
      const extension = name.replace(/^.*[./\\]/, '').toLowerCase();
      const type = mime.lookup(name);
      if (!type) continue;
      const charset = mime.charsets.lookup(type);
      types[extension] = charset ? `${type}; charset=${charset}` : type;
    }
  }
  return types;
}

async function fileNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
