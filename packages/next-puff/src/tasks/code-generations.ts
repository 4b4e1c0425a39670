import { say } from '../report.js';
import { expectReplacements, registryVersion } from './registry.js';

/** Longer waits are a task that waits for another one. */
const PATIENCE_MS = 30_000;

/** Keeps runs of changed code from beginning before those of the former code have ended, in development. */
export class CodeGenerations {
  /** The runs that go on, and of which code they are. */
  readonly #runs = new Map<Promise<unknown>, number>();
  #loading: Promise<void> | undefined;

  /** Loads the newest code and waits until no older one is at work. */
  async enter(load: () => Promise<void>): Promise<void> {
    expectReplacements();
    this.#loading ??= load().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
    const older = [...this.#runs].filter(([, version]) => version !== registryVersion());
    if (older.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        say(`tasks of the former code have not ended after ${PATIENCE_MS / 1000} s: going on`);
        resolve();
      }, PATIENCE_MS);
    });
    await Promise.race([Promise.allSettled(older.map(([run]) => run)), late]);
    clearTimeout(timer);
  }

  /** Runs with the code that was entered. */
  run<T>(start: () => Promise<T>): Promise<T> {
    const version = registryVersion();
    const run = start().finally(() => this.#runs.delete(run));
    this.#runs.set(run, version);
    return run;
  }
}
