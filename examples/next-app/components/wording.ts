const numbers = new Intl.NumberFormat('en');
const dates = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
const times = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'UTC',
});
const percents = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

/** `1 vote`, `1,204 votes`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `1,204`. */
export function formatCount(count: number): string {
  return numbers.format(count);
}

/** `16 March 2026`, in UTC, so that server and browser agree. */
export function formatDate(date: Date): string {
  return dates.format(date);
}

/** `16 March 2026 at 09:30 UTC`. */
export function formatTime(date: Date): string {
  return `${times.format(date)} UTC`;
}

/** `37.5%`, from 0.375. */
export function formatPercent(share: number): string {
  return percents.format(share);
}
