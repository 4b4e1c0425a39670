/** One command of the CLI. */
export interface CliCommand {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** The full text of `next-puff help <name>`. */
  help: string;
  /** What follows the first argument belongs to another program, `--help` included. */
  forwardsArguments?: boolean;
  /** Runs it with the arguments after its name and returns the exit code. */
  run(args: string[]): Promise<number>;
}
