import { say } from '../report.js';

/** A part of shutting down. */
export interface ShutdownStage {
  /** What is waited for, as it stands in the log. */
  name: string;
  limitMs: number;
  /** What it resolves with, if it is a string, says what went wrong. */
  run(): Promise<unknown>;
}

/** A second signal so soon is the first one again. */
const ECHO_MS = 300;

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** A signal that ends the server in good order. */
export type EndingSignal = keyof typeof SIGNALS;

/** The exit code of a process that a signal has ended. */
export function exitCodeOf(signal: EndingSignal): number {
  return 128 + SIGNALS[signal];
}

/**
 * Calls back at the first signal that asks the process to end.
 *
 * @param isForcing whether a second one ends it at once, unless it comes right behind the first: Ctrl-C arrives
 *   twice where the terminal sends it to all processes and `npm run` passes it on. Not where a parent kills by
 *   itself.
 */
export function onEndingSignal(listener: (signal: EndingSignal) => void, isForcing: boolean): void {
  let began: number | undefined;
  for (const signal of Object.keys(SIGNALS) as EndingSignal[]) {
    process.on(signal, () => {
      if (began !== undefined) {
        const isEcho = performance.now() - began < ECHO_MS;
        if (isForcing && !isEcho) process.exit(exitCodeOf(signal));
        return;
      }
      began = performance.now();
      listener(signal);
    });
  }
}

/**
 * Runs the stages one after the other. One that takes too long or fails is left behind: the next ones
 * run all the same.
 */
export async function runStages(
  stages: readonly ShutdownStage[],
  isLogged: boolean,
): Promise<void> {
  for (const { name, limitMs, run } of stages) {
    const begin = performance.now();
    const outcome = await runWithin(limitMs, run);
    const took = `after ${Math.round(performance.now() - begin)} ms`;
    if (outcome !== undefined) say(`shutdown: ${name}: ${outcome}, ${took}`);
    else if (isLogged) say(`shutdown: ${name} done ${took}`);
  }
}

/** Resolves with what went wrong, if something did. */
async function runWithin(limitMs: number, run: ShutdownStage['run']): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, limitMs, 'not done in time, going on');
  });
  try {
    const outcome = await Promise.race([run(), late]);
    return typeof outcome === 'string' ? outcome : undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearTimeout(timer);
  }
}
