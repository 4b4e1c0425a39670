import { isTask } from './task.js';

/**
 * Names what a module exports after its place, if it is a task; the build calls it.
 *
 * @param origin file and export, for example `tasks/mail#sendMail`
 * @returns the value
 */
export function puffTask<Value>(origin: string, value: Value): Value {
  if (isTask(value)) value.named(origin);
  return value;
}
