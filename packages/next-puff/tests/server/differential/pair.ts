import { AppProcess, CONTENDER, type Command } from '../support/app-process.ts';
import type { BuiltApp } from '../support/built-app.ts';
import type { Group } from './case-file.ts';
import { differences } from './compare.ts';
import { type Outcome, sendGroup } from './exchange.ts';

const AT_A_TIME = 4;
/** Requests that are named for each difference. */
const SHOWN = 5;

/** `next start` and `next-puff start` on copies of the same build. */
export class Pair {
  readonly #app: BuiltApp;
  readonly #servers: readonly AppProcess[];

  private constructor(app: BuiltApp, servers: readonly AppProcess[]) {
    this.#app = app;
    this.#servers = servers;
  }

  static async start(app: BuiltApp): Promise<Pair> {
    const commands: Command[] = ['next', CONTENDER];
    const starts = commands.map((command) => AppProcess.start(command, app.copy()));
    const started = await Promise.allSettled(starts);
    const servers = started.flatMap((start) => (start.status === 'fulfilled' ? start.value : []));
    const pair = new Pair(app, servers);
    const failed = started.find((start) => start.status === 'rejected');
    if (failed === undefined) return pair;
    await pair.stop();
    throw failed.reason;
  }

  /** Sends groups of requests to both, several groups at a time, and fails if the answers differ. */
  async expectSame(groups: readonly Group[], { inTurn = false } = {}): Promise<void> {
    const [expected = [], actual = []] = await Promise.all(
      this.#servers.map((server) =>
        sendAll(groups, this.#app, server.port, inTurn ? 1 : AT_A_TIME),
      ),
    );
    const found = new Map<string, string[]>();
    for (const [at, group] of groups.entries()) {
      for (const [line, request] of group.requests.entries()) {
        const [one, other] = [expected[at]?.[line], actual[at]?.[line]];
        if (one === undefined || other === undefined)
          throw new Error(`${request.text} was not sent`);
        for (const difference of differences(request, one, other)) {
          found.set(difference, [...(found.get(difference) ?? []), request.text]);
        }
      }
    }
    if (found.size > 0) throw new Error(report(found));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
  }
}

async function sendAll(
  groups: readonly Group[],
  app: BuiltApp,
  port: number,
  atATime: number,
): Promise<Outcome[][]> {
  const outcomes: Outcome[][] = [];
  const left = groups.entries();
  const worker = async () => {
    for (const [at, group] of left) outcomes[at] = await sendGroup(group, app, port);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return outcomes;
}

/** The differences, each with the requests that show it. */
function report(found: ReadonlyMap<string, readonly string[]>): string {
  const texts = [...found].map(([difference, requests]) => {
    const more = requests.length - SHOWN;
    const shown = [...requests.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])];
    return `${difference}\n${shown.map((request) => `    ${request}`).join('\n')}`;
  });
  return `${found.size} differences between next start and ${CONTENDER} start:\n${texts.join('\n')}`;
}
