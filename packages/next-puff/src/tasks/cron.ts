import { PuffError } from '../errors.js';

/** A cron expression, read. */
export interface Cron {
  readonly expression: string;
  readonly seconds: ReadonlySet<number>;
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Whether a day has to fit only one of `days` and `weekdays`: where both were given. */
  readonly isEitherDay: boolean;
  /** Whether the hours are those that were named, which clock changes skip or repeat. */
  readonly hasFixedHours: boolean;
}

interface Field {
  name: string;
  from: number;
  to: number;
  names?: readonly string[];
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');
const FIELDS: readonly Field[] = [
  { name: 'second', from: 0, to: 59 },
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, names: MONTHS },
  // 7 is Sunday, too.
  { name: 'day of the week', from: 0, to: 7, names: WEEKDAYS },
];
const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
/** 29 February comes at least every eight years. */
const HORIZON_MS = 8 * 366 * DAY_MS;

/**
 * Reads a cron expression: five fields (minute, hour, day of the month, month, day of the week), or six with the
 * seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. A field has numbers, names of months and
 * weekdays, ranges, steps and lists of those, as crontab(5) has them.
 *
 * @throws PuffError `PUFF_TASK_CRON` naming the field that is wrong
 */
export function parseCron(expression: string): Cron {
  const fields = (MACROS[expression.trim().toLowerCase()] ?? expression).trim().split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  if (fields.length !== 6) {
    throw refuse(
      expression,
      `it has ${fields.length} fields`,
      'It needs five, or six with seconds.',
    );
  }
  const sets = FIELDS.map((field, at) => readField(field, fields[at] as string, expression));
  const [seconds, minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (weekdays.delete(7)) weekdays.add(0);
  const cron: Cron = {
    expression,
    seconds,
    minutes,
    hours,
    days,
    months,
    weekdays,
    isEitherDay: !(fields[3] as string).startsWith('*') && !(fields[5] as string).startsWith('*'),
    hasFixedHours: !(fields[2] as string).startsWith('*'),
  };
  if (nextWall(cron, Date.UTC(2023, 11, 31)) === undefined) {
    throw refuse(expression, 'no day of the calendar fits it', 'Look at its days and months.');
  }
  return cron;
}

/**
 * The first time after `after` at which a schedule is due, in milliseconds since 1970.
 *
 * Where the clocks change, hours that were named are neither skipped nor repeated: a time that does not exist is due when
 * the clocks jump, one that comes twice the first time. Hours that were not named (`*`) go on in real time.
 *
 * @param timeZone an IANA name
 * @throws PuffError `PUFF_TASK_CRON` for an unknown time zone
 */
export function nextCronTime(cron: Cron, timeZone: string, after: number): number {
  const offsetAt = offsetsOf(timeZone);
  let offset = offsetAt(after);
  let wall = after + offset;
  for (;;) {
    const next = nextWall(cron, wall);
    if (next === undefined) {
      throw refuse(cron.expression, 'it is never due again', 'Look at its days and months.');
    }
    const due = next - offset;
    const change = firstChange(offsetAt, Math.min(after, due), due, offset);
    if (change === undefined) return due;
    const later = offsetAt(change);
    const [oldWall, newWall] = [change + offset, change + later];
    // The clocks jump over times at which it would have been due.
    if (cron.hasFixedHours && newWall > oldWall && next < newWall) return change;
    // They are put back: what was due before the change is not due again.
    wall = (cron.hasFixedHours ? Math.max(oldWall, newWall) : newWall) - 1;
    offset = later;
    after = change;
  }
}

/** The first second after `wall` that fits; wall-clock times are kept as if they were UTC. */
function nextWall(cron: Cron, wall: number): number | undefined {
  let at = (Math.floor(wall / SECOND_MS) + 1) * SECOND_MS;
  const end = at + HORIZON_MS;
  while (at < end) {
    const date = new Date(at);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
    if (!cron.months.has(month + 1)) at = Date.UTC(year, month + 1, 1);
    else if (!fitsDay(cron, date)) at = Date.UTC(year, month, day + 1);
    else if (!cron.hours.has(date.getUTCHours()))
      at = Date.UTC(year, month, day, date.getUTCHours() + 1);
    else if (!cron.minutes.has(date.getUTCMinutes()))
      at = Date.UTC(year, month, day, date.getUTCHours(), date.getUTCMinutes() + 1);
    else if (!cron.seconds.has(date.getUTCSeconds())) at += SECOND_MS;
    else return at;
  }
  return undefined;
}

function fitsDay(cron: Cron, date: Date): boolean {
  const fitsDate = cron.days.has(date.getUTCDate());
  const fitsWeekday = cron.weekdays.has(date.getUTCDay());
  return cron.isEitherDay ? fitsDate || fitsWeekday : fitsDate && fitsWeekday;
}

/** How far a time zone is ahead of UTC at a time, in milliseconds. */
function offsetsOf(timeZone: string): (at: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw new PuffError('PUFF_TASK_CRON', `There is no time zone ${JSON.stringify(timeZone)}.`, {
      cause,
      hint: 'Use an IANA name, for example Europe/Berlin or UTC.',
    });
  }
  return (at) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value);
    const { year = 0, month = 1, day, hour, minute, second } = parts;
    return (
      Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / SECOND_MS) * SECOND_MS
    );
  };
}

/** When the offset stops being `offset` in `(from, to]`; it is looked at once a day. */
function firstChange(
  offsetAt: (at: number) => number,
  from: number,
  to: number,
  offset: number,
): number | undefined {
  let same = from;
  let other: number | undefined;
  while (same < to && other === undefined) {
    const at = Math.min(same + DAY_MS, to);
    if (offsetAt(at) === offset) same = at;
    else other = at;
  }
  if (other === undefined) return undefined;
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}

function readField(field: Field, text: string, expression: string): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [, range = '', step] = /^([^/]*)(?:\/(\d+))?$/.exec(part) ?? [];
    const by = step === undefined ? 1 : Number(step);
    const bounds = readRange(field, range, step !== undefined);
    if (bounds === undefined || by === 0 || bounds[0] > bounds[1]) {
      throw refuse(
        expression,
        `"${part}" is no ${field.name}`,
        `It goes from ${field.from} to ${field.to}.`,
      );
    }
    for (let value = bounds[0]; value <= bounds[1]; value += by) values.add(value);
  }
  return values;
}

function readRange(field: Field, text: string, hasStep: boolean): [number, number] | undefined {
  // 7 is not named by a star: every second weekday begins with Sunday and ends with Saturday.
  if (text === '*') return [field.from, field.to === 7 ? 6 : field.to];
  const [first = '', last, ...more] = text.split('-');
  const from = readValue(field, first);
  const to = last === undefined ? (hasStep ? field.to : from) : readValue(field, last);
  return from === undefined || to === undefined || more.length > 0 ? undefined : [from, to];
}

function readValue({ from, to, names = [] }: Field, text: string): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  const value = named >= 0 ? named + from : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? value : undefined;
}

function refuse(expression: string, why: string, hint: string): PuffError {
  return new PuffError(
    'PUFF_TASK_CRON',
    `${JSON.stringify(expression)} is no cron expression: ${why}.`,
    { hint },
  );
}
