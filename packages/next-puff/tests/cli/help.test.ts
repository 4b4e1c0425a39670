import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { cli } from './support/cli';

jest.setTimeout(60_000);

describe('help and version', () => {
  test.each([[[]], [['--help']], [['-h']], [['help']]])('%j shows the commands', async (args) => {
    const { code, stdout } = await cli(args);
    expect(code).toBe(0);
    for (const command of [
      'dev',
      'build',
      'start',
      'run',
      'migrate',
      'prisma',
      'generate',
      'doctor',
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${command} +\\S`, 'm'));
    }
  });

  test.each([
    'dev',
    'build',
    'start',
    'worker',
    'tasks',
    'run',
    'migrate',
    'prisma',
    'generate',
    'doctor',
  ])('help %s is also %s --help', async (name) => {
    const [help, option] = await Promise.all([cli(['help', name]), cli([name, '--help'])]);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(new RegExp(`^Usage: next-puff ${name}`));
    expect(option.stdout).toBe(help.stdout);
  });

  test('--version prints the version of the package', async () => {
    const manifest = resolve(import.meta.dirname, '../../package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    expect(await cli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe('a command line that makes no sense exits with 2', () => {
  test.each([
    [['dve'], 'Did you mean "next-puff dev"?'],
    [['strat'], 'Did you mean "next-puff start"?'],
    [['help', 'doktor'], 'Did you mean "next-puff doctor"?'],
    [['deploy'], '`next-puff --help` lists the commands.'],
    [['--versoin'], 'There is no option --versoin.'],
    [['doctor', '--jsno'], "Unknown option '--jsno'"],
    [['worker', '--concurrency', '0'], '--concurrency needs a number from 1'],
    [['worker', '--queues', 'a,b c'], '"b c" is no queue'],
    [['tasks'], 'next-puff tasks needs a command'],
    [['tasks', 'lst'], 'Did you mean "next-puff tasks list"?'],
    [['tasks', 'show'], 'next-puff tasks show needs an id'],
    [['tasks', 'list', '--state', 'done'], 'There is no state "done"'],
    [['dev', '/no/such/directory'], 'There is no directory /no/such/directory.'],
    [['dev', '-p', 'many'], '--port needs a number from 0 to 65535, not "many".'],
    [['start', '-p', '70000'], '--port needs a number'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await cli(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
