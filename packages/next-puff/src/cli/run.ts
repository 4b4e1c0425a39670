import { loadConfig } from '../config/index.cjs';
import { reportError, say } from '../report.js';
import type { CliCommand } from './command.js';
import { readConfiguration, startServices } from './services.js';
import { suggest } from './suggestion.js';
import { UsageError } from './usage-error.js';

/** `next-puff run`. */
export const run: CliCommand = {
  name: 'run',
  summary: 'run a command of your puff.config, with the database up',
  help: `Usage: next-puff run [command] [arguments]

Calls a function that puff.config declares, with a database: the configured one, or the embedded
PostgreSQL, which is shared with a running \`next-puff dev\`. Without a name it lists the commands.

  // puff.config.ts
  export default defineConfig({
    commands: {
      seed: async ({ args }) => { ... },
    },
  })

The process ends when the function's promise settles: exit code 0, or 1 when it throws. Everything
after the name goes to the function as \`args\`.

Environment
  DATABASE_URL  PostgreSQL to use; also read from .env files, as in \`next-puff dev\`
  NODE_ENV      "production" reads .env.production instead of .env.development

Examples
  next-puff run
  next-puff run seed --questions 100
`,
  forwardsArguments: true,
  async run([name, ...rest]) {
    const directory = process.cwd();
    if (name === undefined) return list(directory);
    const args = rest[0] === '--' ? rest.slice(1) : rest;

    const environment = process.env as Record<string, string | undefined>;
    environment.NODE_ENV ??= 'development';
    const configuration = readConfiguration(directory, environment.NODE_ENV !== 'production');
    const commands = configuration.config.commands ?? {};
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw unknownCommand(name, Object.keys(commands));

    const services = await startServices(directory, configuration);
    try {
      await command({ args });
      return 0;
    } catch (error) {
      reportError(error, `command "${name}" failed`);
      return 1;
    } finally {
      await closePools();
      await services.stop();
    }
  },
};

function list(directory: string): number {
  const names = Object.keys(loadConfig(directory).commands ?? {});
  if (names.length === 0) {
    say(
      'no commands are declared; `next-puff help run` shows how to declare one in puff.config.ts',
    );
  }
  for (const name of names) process.stdout.write(`${name}\n`);
  return 0;
}

function unknownCommand(name: string, known: string[]): UsageError {
  const near = suggest(name, known);
  return new UsageError(
    `puff.config declares no command "${name}".`,
    near
      ? `Did you mean "${near}"?`
      : known.length > 0
        ? `It declares: ${known.join(', ')}`
        : '`next-puff help run` shows how to declare one.',
  );
}

/** Closes the connections that the command has opened, so that the server can stop quickly. */
async function closePools(): Promise<void> {
  const { postgres } = await import('../postgres/index.js');
  await postgres.end();
}
