import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { CliCommand } from './command.js';
import { type Check, examine } from './examination.js';

const MARKS: Record<Check['status'], string> = { ok: '✓', failed: '✗', skipped: '-' };

/** `next-puff doctor`. */
export const doctor: CliCommand = {
  name: 'doctor',
  summary: 'check that everything next-puff needs is there, and say what to do',
  help: `Usage: next-puff doctor [directory] [--json]

Checks the versions of Node.js and Next.js, the native addon, puff.config, the use of withPuff in
next.config, Redis where it is configured, and the database: the configured ones by connecting to
them, otherwise that the embedded PostgreSQL can run here. Nothing is started or changed.

Prints a line per check, and what to do where one fails. Exit code 0 when all is well, otherwise 1.

Options
  --json  print { ok, checks: [{ name, status: "ok" | "failed" | "skipped", message, hint? }] }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const checks = await examine(resolve(positionals[0] ?? '.'));
    const ok = checks.every(({ status }) => status !== 'failed');
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ ok, checks }, null, 2)}\n`);
    } else {
      for (const check of checks) process.stdout.write(line(check));
      process.stdout.write(ok ? '\nAll is well.\n' : '\nSomething needs your attention.\n');
    }
    return ok ? 0 : 1;
  },
};

function line({ name, status, message, hint }: Check): string {
  const indented = (text: string) => text.replaceAll('\n', '\n    ');
  const first = `${MARKS[status]} ${name}: ${indented(message)}\n`;
  return hint === undefined ? first : `${first}    ${indented(hint)}\n`;
}
