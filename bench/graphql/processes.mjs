// CPU time and peak memory of other processes, from Linux's /proc (proc_pid_stat(5), proc_pid_status(5)).
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

if (!existsSync('/proc/self/stat')) {
  throw new Error('This benchmark reads CPU time and memory from /proc, which only Linux has.');
}
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The fields of /proc/<pid>/stat after the command, which may hold blanks; `state` is the first. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has ended in the meantime.
    return undefined;
  }
}

function withDescendants(root) {
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statOf(entry)?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const family = [root];
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  return family;
}

/** CPU seconds of a process, its descendants and their ended children. */
export function cpuSeconds(root) {
  let ticks = 0;
  for (const pid of withDescendants(root)) {
    const stat = statOf(pid);
    // utime, stime, cutime, cstime
    if (stat !== undefined) for (const field of stat.slice(11, 15)) ticks += Number(field);
  }
  return ticks / TICKS_PER_SECOND;
}

/** CPU seconds of this process and of its children that have ended. */
export function ownCpuSeconds() {
  const ticks = statOf(process.pid)
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_PER_SECOND;
}

/** Resident memory of a process and its descendants, in MB: the peak (VmHWM), or of now (VmRSS). */
export function residentMemory(root, field = 'VmHWM') {
  let kilobytes = 0;
  for (const pid of withDescendants(root)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      kilobytes += Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    } catch {
      // It has ended in the meantime.
    }
  }
  return kilobytes / 1024;
}

/** CPU seconds that the whole machine has spent, time stolen by its host included. */
export function machineCpuSeconds() {
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/\s+/);
  const [user, , system, , , irq, softirq, steal] = fields.map(Number);
  return (user + system + irq + softirq + steal) / TICKS_PER_SECOND;
}
