import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../report.js';
import { CARRIERS, CODE_FILE, TASKS_MODULE, taskFiles } from './transform/tasks.js';

const LEFT_OUT = /^\.|^node_modules$/;

/** Says how the files of `tasks/` come into the server, where a project has some and nothing brings them. */
export function tellOfOrphanTasks(directory: string): void {
  if (!hasTasks(directory) || hasCarrier(directory)) return;
  say('tasks/ has tasks that nothing brings into the server: they would not run.');
  say('Write app/api/puff/tasks/route.ts:');
  say("  import { taskRoutes } from 'next-puff/tasks';");
  say('  export const { GET, POST } = taskRoutes();');
}

/** Whether there are files with tasks; folders of that name may be about something else. */
function hasTasks(directory: string): boolean {
  return taskFiles(directory).some((file) => readFileSync(file, 'utf8').includes(TASKS_MODULE));
}

/** Whether a module of the project, wherever it is, names what brings all tasks into the server. */
function hasCarrier(folder: string): boolean {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (LEFT_OUT.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (hasCarrier(path)) return true;
    } else if (CODE_FILE.test(entry.name)) {
      const code = readFileSync(path, 'utf8');
      if (code.includes(TASKS_MODULE) && [...CARRIERS].some((name) => code.includes(name))) {
        return true;
      }
    }
  }
  return false;
}
