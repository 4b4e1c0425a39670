import { findNext } from '../next/next-installation.js';
import type { CliCommand } from './command.js';
import { readNextArguments } from './next-arguments.js';
import { runNode } from './node-process.js';

/** `next-puff build`. */
export const build: CliCommand = {
  name: 'build',
  summary: 'build the app for production',
  help: `Usage: next-puff build [directory] [options]

Runs \`next build\`. It starts no database and needs none, unless a page of
yours reads one while it is prerendered.

Options are those of \`next build\` (see \`npx next build --help\`).
`,
  async run(args) {
    const { directory, directoryArgument } = readNextArguments(args);
    const forNext = args.map((arg) => (arg === directoryArgument ? directory : arg));
    // There: Next.js writes paths from the working directory into the build, and `withPuff` looks for puff.config.
    return runNode(findNext(directory).bin, ['build', ...forNext], { cwd: directory });
  },
};
