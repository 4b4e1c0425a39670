import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { transform } from '../../dist/next/transform/index.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const OPTIONS = {
  dir: '/project',
  pageExtensions: ['ts', 'tsx', 'js', 'jsx'],
  routes: true,
  actions: true,
  tasks: true,
  version: 'test',
};

interface Outcome {
  code: string | undefined;
  map: { mappings: string } | undefined;
  warnings: string[];
  dependencies: string[];
}

/** Transforms a text as if it were a file of /project; imports are looked for in a real folder. */
async function run(
  code: string,
  file: string,
  options: Partial<typeof OPTIONS> = {},
  folder = FIXTURES,
): Promise<Outcome> {
  const warnings: string[] = [];
  const dependencies: string[] = [];
  const result = await transform({
    code,
    path: join('/project', file),
    options: { ...OPTIONS, ...options },
    resolve: async (_from: string, specifier: string) => {
      const path = resolve(folder, specifier.replace(/\.js$/, ''));
      const found = [`${path}.ts`, path].find((candidate) => existsSync(candidate));
      if (!found) throw new Error(`No ${specifier}.`);
      return found;
    },
    addDependency: (path: string) => dependencies.push(path),
    addFolderDependency: (path: string) => dependencies.push(path),
    warn: (message: string) => warnings.push(message),
  });
  return { code: result?.code, map: result?.map, warnings, dependencies };
}

// A folder per case: `input.*`, and `expected.*` when something is to change.
const CASES = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(CASES.map(({ name }) => name))('%s', (name) => {
  const folder = join(FIXTURES, name);
  const input = readdirSync(folder).find((file) => file.startsWith('input.')) as string;
  const extension = input.slice('input.'.length);
  const file = name.startsWith('route-') ? `app/api/route.${extension}` : `app/${input}`;

  test('becomes what is expected', async () => {
    const expectedPath = join(folder, `expected.${extension}`);
    const expected = existsSync(expectedPath) ? readFileSync(expectedPath, 'utf8') : undefined;
    const { code } = await run(readFileSync(join(folder, input), 'utf8'), file, {}, folder);
    expect(code).toBe(expected);
  });
});

test('only files of the app folder named route are route files', async () => {
  const code = 'export const GET = () => new Response();';
  const changed = async (file: string) => (await run(code, file)).code !== undefined;
  expect(await changed('app/route.ts')).toBe(true);
  expect(await changed('src/app/(group)/[id]/route.js')).toBe(true);
  expect(await changed('lib/app/route.ts')).toBe(false);
  expect(await changed('app/api/my-route.ts')).toBe(false);
  expect(await changed('app/route.mdx')).toBe(false);
});

test('a route is named by its path, without groups', async () => {
  const { code } = await run('export const GET = 1;', 'src/app/(shop)/items/[id]/route.ts');
  expect(code).toContain('__puffRoute("GET /items/[id]", GET)');
});

test('the options turn each half off', async () => {
  const code = 'export async function GET() { "use server"; }';
  expect((await run(code, 'app/route.ts', { routes: false })).code).not.toContain('puffRoute');
  expect((await run(code, 'app/route.ts', { actions: false })).code).not.toContain('puffAction');
  const neither = await run(code, 'app/route.ts', { routes: false, actions: false });
  expect(neither.code).toBeUndefined();
});

describe('tasks', () => {
  const code = "import { task } from 'next-puff/tasks';\nexport const a = task(() => {});";

  test('are named after their file and export', async () => {
    const { code: changed } = await run(code, 'src/tasks/deep/mail.tsx');
    expect(changed).toContain('__puffTask("src/tasks/deep/mail#a", a)');
    expect((await run(code, 'tasks/mail.ts', { tasks: false })).code).toBeUndefined();
    const other = "import { task } from 'next-puff/tasks-of-mine';\nexport const a = task();";
    expect((await run(other, 'tasks/mail.ts')).code).toBeUndefined();
  });

  test('come into the server with what mounts taskRoutes or starts a worker', async () => {
    const project = mkdtempSync(join(tmpdir(), 'next-puff-tasks-'));
    mkdirSync(join(project, 'tasks', 'deep'), { recursive: true });
    for (const name of ['b.ts', 'a.mts', 'deep/c.tsx', 'a.test.ts', 'types.d.ts', 'note.md']) {
      writeFileSync(join(project, 'tasks', name), '');
    }
    const carried = async (text: string) => {
      const path = join(project, 'app', 'api', 'tasks', 'route.ts');
      const folders: string[] = [];
      const result = await transform({
        code: text,
        path,
        options: { ...OPTIONS, dir: project },
        resolve: async () => '',
        addDependency: () => {},
        addFolderDependency: (folder: string) => folders.push(folder),
        warn: () => {},
      });
      return { imports: result?.code.match(/^import "\..*$/gm) ?? [], folders };
    };
    const routes =
      "import { taskRoutes } from 'next-puff/tasks';\nexport const { GET } = taskRoutes();";
    try {
      const { imports, folders } = await carried(routes);
      expect(imports).toEqual([
        'import "../../../tasks/a.mts";',
        'import "../../../tasks/b.ts";',
        'import "../../../tasks/deep/c.tsx";',
      ]);
      expect(folders).toEqual([join(project, 'tasks')]);
      const worker = await carried("export { startWorker as work } from 'next-puff/tasks';");
      expect(worker.imports).toHaveLength(3);
      expect((await carried("import { taskHandle } from 'next-puff/tasks';")).imports).toEqual([]);
    } finally {
      rmSync(project, { recursive: true });
    }
  });
});

test('a star export that cannot be followed is warned of', async () => {
  const { warnings } = await run("export * from 'elsewhere';", 'app/api/route.ts');
  expect(warnings).toEqual([
    "app/api/route.ts: `export * from 'elsewhere'`: what it exports cannot be told, so its handlers " +
      "run without a request context. Name them: `export { GET } from 'elsewhere'`.",
  ]);
});

test('the bundler is told which files a star export depends on', async () => {
  const folder = join(FIXTURES, 'route-star');
  const { dependencies } = await run("export * from './star-two';", 'app/route.ts', {}, folder);
  expect(dependencies).toEqual([join(folder, 'star-two.ts'), join(folder, 'star-three.ts')]);
});

test('a file that cannot be parsed is warned of and left to the bundler', async () => {
  const { code, warnings } = await run("'use server'; export async function (", 'app/actions.ts');
  expect(code).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/^app\/actions\.ts cannot be parsed/)]);
});

test('the source map leads back to the line and column of the original', async () => {
  const code = "'use server';\nexport async function vote() {\n  throw new Error('here');\n}\n";
  const { map, code: changed = '' } = await run(code, 'app/actions.ts');
  const line = changed.split('\n').findIndex((text) => text.includes('here'));
  const column = (changed.split('\n')[line] as string).indexOf('throw');
  const payload = JSON.parse(JSON.stringify(map));
  const origin = new SourceMap(payload).findEntry(line, column);
  expect(origin).toMatchObject({ originalLine: 2, originalColumn: 2 });
});
