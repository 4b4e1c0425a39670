import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { TaskStatus } from 'next-puff/tasks';
import { Cli, cli, type Outcome } from '../../cli/support/cli.ts';

const FIXTURE = join(import.meta.dirname, 'fixture-app');
// Below this folder, so that the copies find the packages of the workspace.
const COPIES = join(import.meta.dirname, '.puff');
const LEFT_OUT = new Set(['.next', '.puff', 'node_modules']);

/** What the fixture's task returns. */
export interface Mail {
  readonly text: string;
  readonly task: string;
  /** `FIXTURE_NAME` of the process that ran it. */
  readonly by: string;
  /** `traceparent` of the request that scheduled it. */
  readonly trace: string | null;
}

/** A copy of the fixture app, on a database of a test's own. */
export class TasksApp {
  readonly directory: string;
  readonly env: Record<string, string>;

  constructor(databaseUrl: string) {
    mkdirSync(COPIES, { recursive: true });
    this.directory = mkdtempSync(join(COPIES, 'app-'));
    cpSync(FIXTURE, this.directory, {
      recursive: true,
      filter: (source) => !LEFT_OUT.has(basename(source)),
    });
    this.env = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: '',
      FIXTURE_NOTES: join(this.directory, 'notes.txt'),
      FIXTURE_RUNS: join(this.directory, 'runs.txt'),
    };
  }

  /** Runs a command of next-puff to its end. */
  run(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
    return cli(args, { cwd: this.directory, env: { ...this.env, ...env } });
  }

  /** Starts a server or a worker, which calls itself by the name in its results. */
  start(name: string, args: string[], env: Record<string, string> = {}): Cli {
    return new Cli(args, { cwd: this.directory, env: { ...this.env, FIXTURE_NAME: name, ...env } });
  }

  /** Runs `next-puff tasks` and answers the JSON that it printed. */
  async tasks<Answer>(...args: string[]): Promise<Answer> {
    const { stdout, stderr } = await this.run(['tasks', ...args, '--json']);
    if (stdout === '') throw new Error(`next-puff tasks ${args.join(' ')} failed:\n${stderr}`);
    return JSON.parse(stdout) as Answer;
  }

  /** What is known of a job. */
  async show(id: string): Promise<TaskStatus> {
    const [job] = await this.tasks<TaskStatus[]>('show', id);
    return job as TaskStatus;
  }

  /** How often the fixture's schedule has run. */
  get ticks(): number {
    return linesOf(this.env.FIXTURE_NOTES).length;
  }

  /** Begins and ends of mails being sent, each with its job and the greeting that its code has. */
  get runs(): { what: string; id: string; greeting: string }[] {
    return linesOf(this.env.FIXTURE_RUNS).map((line) => {
      const [what = '', id = '', ...greeting] = line.split(' ');
      return { what, id, greeting: greeting.join(' ') };
    });
  }

  /** A file that does not exist: a mail with this gate is being sent until it is opened. */
  gate(name: string): { path: string; open(): void } {
    const path = join(this.directory, `${name}.gate`);
    return { path, open: () => writeFileSync(path, '') };
  }

  /** Changes a file of the app. */
  edit(file: string, from: string, to: string): void {
    const path = join(this.directory, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  }

  /** Removes the copy; what runs in it was ended before. */
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function linesOf(path: string | undefined): string[] {
  if (path === undefined || !existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

/** Has a server schedule a mail and answers the id of the job. */
export async function schedule(
  origin: string,
  mail: { to: string; gate?: string },
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await fetch(`${origin}/api/mail`, {
    method: 'POST',
    headers,
    body: JSON.stringify(mail),
  });
  if (!response.ok) throw new Error(`The mail was not scheduled: ${response.status}`);
  return ((await response.json()) as { id: string }).id;
}

/** Has a server wait for the result of a job. */
export async function resultOf(origin: string, id: string): Promise<Mail> {
  const response = await fetch(`${origin}/api/mail?id=${encodeURIComponent(id)}`);
  if (!response.ok) throw new Error(`There is no result: ${response.status}`);
  return (await response.json()) as Mail;
}
