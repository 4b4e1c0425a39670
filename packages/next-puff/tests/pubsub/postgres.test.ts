import { readdirSync, readFileSync } from 'node:fs';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { conformance } from './support/conformance.ts';

/** The server's processes: the postmaster comes first, so that it starts no more. */
function processesOf(postmaster: number): number[] {
  const isChild = (pid: string) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name stands in brackets and may hold anything; state and parent follow it.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === postmaster;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  };
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isChild(name));
  return [postmaster, ...children.map(Number)];
}

conformance(async () => {
  const database = await startTemporaryPostgres();
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processesOf(database.pid as number)) process.kill(pid, name);
  };
  return {
    env: { DATABASE_URL: database.url },
    kill: () => database.kill(),
    restart: () => database.restart(),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    stop: () => database.stop(),
  };
});
