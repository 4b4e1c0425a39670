import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { runProgram } from './support/program';

const directory = mkdtempSync(join(tmpdir(), 'next-puff-addon-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** What a query says when the addon is the given file. */
async function queryWith(addon: string): Promise<{ code: string; name: string; message: string }> {
  const { stdout, stderr, code } = await runProgram(
    `
    import { postgres } from 'next-puff/postgres';
    const report = ({ code, name, message }) => JSON.stringify({ code, name, message });
    const first = await postgres\`select 1\`.catch(report);
    const second = await postgres.transaction(async () => {}).catch(report);
    console.log(first === second ? first : 'different');
    `,
    {
      env: {
        NEXT_PUFF_ADDON: addon,
        DATABASE_URL: 'postgres://app@127.0.0.1:1/app',
        NEXT_PUFF_CONFIG: '',
      },
    },
  );
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return JSON.parse(stdout);
}

test('an addon that is not there', async () => {
  const file = join(directory, 'missing.node');
  const error = await queryWith(file);
  expect(error).toMatchObject({ code: 'PUFF_NATIVE_UNAVAILABLE', name: 'NativeUnavailableError' });
  expect(error.message).toContain(`${file} does not exist`);
  expect(error.message).toContain(`${process.platform}-${process.arch}`);
  expect(error.message).toMatch(/npm run build/);
});

test('an addon that is no addon, as one for another platform', async () => {
  const file = join(directory, 'text.node');
  writeFileSync(file, 'not an addon');
  const error = await queryWith(file);
  expect(error).toMatchObject({ code: 'PUFF_NATIVE_UNAVAILABLE' });
  expect(error.message).toMatch(/cannot be loaded on .*\n.*another platform.*install again/s);
});

test('without a query it is not even looked for', async () => {
  const { code, stdout } = await runProgram(
    `import { postgres, sql } from 'next-puff/postgres'; sql\`select 1\`; console.log(typeof postgres.query);`,
    { env: { NEXT_PUFF_ADDON: join(directory, 'missing.node') } },
  );
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'function\n' });
});
