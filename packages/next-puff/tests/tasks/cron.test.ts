import { nextCronTime, parseCron } from '../../dist/tasks/cron.js';

function next(expression: string, after: string, timeZone = 'UTC', count = 1): string[] {
  const cron = parseCron(expression);
  const times: string[] = [];
  let at = Date.parse(after);
  for (let i = 0; i < count; i++) {
    at = nextCronTime(cron, timeZone, at);
    times.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  }
  return times;
}

test.each([
  ['* * * * *', '2026-03-01T10:00:00Z', '2026-03-01T10:01:00Z'],
  ['*/15 * * * *', '2026-03-01T10:46:00Z', '2026-03-01T11:00:00Z'],
  ['*/10 * * * * *', '2026-03-01T10:00:01.500Z', '2026-03-01T10:00:10Z'],
  ['0 3 * * *', '2026-03-01T03:00:00Z', '2026-03-02T03:00:00Z'],
  ['0 9 * * mon-fri', '2026-03-06T09:00:00Z', '2026-03-09T09:00:00Z'],
  ['0 0 * * 7', '2026-03-02T00:00:00Z', '2026-03-08T00:00:00Z'],
  ['0 0 1,15 * *', '2026-03-02T00:00:00Z', '2026-03-15T00:00:00Z'],
  ['0 0 29 feb *', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  // Both days are given: one of them is enough.
  ['0 0 13 * fri', '2026-03-07T00:00:00Z', '2026-03-13T00:00:00Z'],
  ['0 0 10 * fri', '2026-03-07T00:00:00Z', '2026-03-10T00:00:00Z'],
  ['30 8-18/5 * * *', '2026-03-01T08:30:00Z', '2026-03-01T13:30:00Z'],
  ['@monthly', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
])('%s after %s is %s', (expression, after, expected) => {
  expect(next(expression, after)).toEqual([expected]);
});

test('a time zone is that of the wall clock', () => {
  expect(next('0 9 * * *', '2026-01-10T00:00:00Z', 'Asia/Kolkata')).toEqual([
    '2026-01-10T03:30:00Z',
  ]);
});

test('a time that the clocks jump over is due when they jump', () => {
  expect(next('30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin', 2)).toEqual([
    '2026-03-29T01:00:00Z',
    '2026-03-30T00:30:00Z',
  ]);
});

test('a time that comes twice is due once', () => {
  expect(next('30 2 * * *', '2026-10-24T12:00:00Z', 'Europe/Berlin', 2)).toEqual([
    '2026-10-25T00:30:00Z',
    '2026-10-26T01:30:00Z',
  ]);
});

test('what runs every hour goes on when the clocks are put back', () => {
  expect(next('0 * * * *', '2026-10-24T23:30:00Z', 'Europe/Berlin', 4)).toEqual([
    '2026-10-25T00:00:00Z',
    '2026-10-25T01:00:00Z',
    '2026-10-25T02:00:00Z',
    '2026-10-25T03:00:00Z',
  ]);
  expect(next('*/30 * * * *', '2026-03-29T00:15:00Z', 'Europe/Berlin', 3)).toEqual([
    '2026-03-29T00:30:00Z',
    '2026-03-29T01:00:00Z',
    '2026-03-29T01:30:00Z',
  ]);
});

test.each([
  ['* * * *', 'it has 4 fields'],
  ['60 * * * *', '"60" is no minute'],
  ['0 24 * * *', '"24" is no hour'],
  ['0 0 0 * *', '"0" is no day of the month'],
  ['0 0 * foo *', '"foo" is no month'],
  ['*/0 * * * *', '"*/0" is no minute'],
  ['5-1 * * * *', '"5-1" is no minute'],
  ['', 'it has 1 fields'],
  ['0 0 31 feb *', 'no day of the calendar fits it'],
])('%j is refused: %s', (expression, why) => {
  expect(() => parseCron(expression)).toThrow(why);
});

test('an unknown time zone is refused', () => {
  expect(() => nextCronTime(parseCron('* * * * *'), 'Mars/Olympus', 0)).toThrow(
    expect.objectContaining({ code: 'PUFF_TASK_CRON' }),
  );
});
