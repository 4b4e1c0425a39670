import { createInterface } from 'node:readline';
import { type EngineArguments, readArguments } from './arguments.js';
import { connect, connectFailure, createDatabase, dropDatabase } from './database-commands.js';
import { DatabaseUrl } from './database-url.js';
import { panicMessage } from './engine.js';
import { EngineFailure } from './engine-failure.js';
import { EngineMethods, type MethodParams } from './methods.js';

const DATABASE_COMMANDS: Record<string, (url: DatabaseUrl) => Promise<void>> = {
  'can-connect-to-database': connect,
  'create-database': createDatabase,
  'drop-database': dropDatabase,
};

/** Code of a JSON-RPC error that carries Prisma's error in its data, as the native engine numbers it. */
const USER_ERROR = 4466;

interface Request {
  id: number;
  method: string;
  params?: MethodParams | null;
}

/** The CLI's answer to what we printed. */
interface PrintReceipt {
  id: number;
  method?: undefined;
  params?: undefined;
}

/**
 * The schema engine as a program, in place of the native one: JSON-RPC 2.0 over standard input and
 * output, one message a line, until the input ends; or one command on a database.
 */
export async function main(args: string[]): Promise<void> {
  // The CLI reads our standard error as JSON and gives up on anything else.
  process.removeAllListeners('warning');
  const engineArguments = readArguments(args);
  if (engineArguments.command === undefined) await serve(engineArguments);
  else process.exitCode = await runDatabaseCommand(engineArguments.command, engineArguments);
  process.exit();
}

async function serve(engineArguments: EngineArguments): Promise<void> {
  let prints = 0;
  const methods = new EngineMethods(engineArguments, {
    log: (line) => process.stderr.write(`${line.trim()}\n`),
    print: (content) => {
      prints += 1;
      write(process.stdout, { jsonrpc: '2.0', id: prints, method: 'print', params: { content } });
    },
  });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    const { id, method, params = null } = JSON.parse(line) as Request | PrintReceipt;
    if (method === undefined) continue;
    const crash = new Promise<never>((_, reject) => {
      // The WebAssembly panics in a callback of its own: the call's promise would never settle.
      process.once('uncaughtException', (error) =>
        reject(new EngineFailure(error.message, undefined, error)),
      );
    });
    const answer = await Promise.race([methods.call(method, params), crash]).then(
      (result) => ({ result }),
      (failure: EngineFailure) => ({ error: rpcError(failure) }),
    );
    process.removeAllListeners('uncaughtException');
    await write(process.stdout, { jsonrpc: '2.0', id, ...answer });
  }
  await methods.dispose();
}

function rpcError({ message, code }: EngineFailure) {
  const panic = panicMessage();
  const error = panic ?? message;
  return {
    code: USER_ERROR,
    message: 'An error happened. Check the data field for details.',
    data: {
      is_panic: panic !== undefined,
      message: error,
      ...(panic !== undefined && { error: { message: error } }),
      ...(code !== undefined && { error_code: code }),
    },
  };
}

async function runDatabaseCommand(name: string, { datasource }: EngineArguments): Promise<number> {
  const url = new DatabaseUrl(datasource.url ?? '');
  // The CLI skips the first line.
  await log('INFO', `Starting schema engine CLI: ${name}`, {});
  try {
    const run = DATABASE_COMMANDS[name];
    if (run === undefined) throw new Error(`The schema engine has no command "${name}".`);
    await run(url);
    return 0;
  } catch (error) {
    const failure = connectFailure(error, url);
    const message = failure?.message ?? (error as Error).message;
    await log('ERROR', message, { is_panic: false, ...(failure && { error_code: failure.code }) });
    return 1;
  }
}

function log(level: 'INFO' | 'ERROR', message: string, fields: object): Promise<void> {
  const target = 'schema_engine::logger';
  const timestamp = new Date().toISOString();
  return write(process.stderr, { timestamp, level, fields: { message, ...fields }, target });
}

/** Writes a line and waits for it: what is not written when the process exits is lost. */
function write(stream: NodeJS.WriteStream, message: object): Promise<void> {
  return new Promise((resolve) => {
    stream.write(`${JSON.stringify(message)}\n`, () => resolve());
  });
}
