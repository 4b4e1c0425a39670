import type { StandardSchema, TaskHandle, TaskRun } from '../../dist/tasks/index.js';
import { task } from '../../dist/tasks/index.js';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Equal<A, B>): void {}

type Scheduled<T extends { schedule: (...args: never[]) => unknown }> = Awaited<
  ReturnType<T['schedule']>
>;

const sendMail = task(async (payload: { to: string }, { attempt }: TaskRun) => ({
  sent: payload.to,
  attempt,
}));
const nightly = task(() => {});
const lookUp = task(async (payload: { id: number }) =>
  payload.id > 0 ? { name: 'a' } : undefined,
);
const optional = task((payload?: { all: boolean }) => payload?.all ?? false);

declare const schema: StandardSchema<{ at: string }, { at: number }>;
const parsed = () =>
  task((payload, run) => [payload.at, run.attempt] as const, { schema, name: 'types.parsed' });

test('payload and result are inferred from the function', () => {
  same<Parameters<typeof sendMail.schedule>[0], { to: string }>(true);
  same<Scheduled<typeof sendMail>, TaskHandle<{ sent: string; attempt: number }>>(true);
  same<Scheduled<typeof nightly>, TaskHandle<null>>(true);
  same<Scheduled<typeof lookUp>, TaskHandle<{ name: string } | null>>(true);
  same<Scheduled<typeof optional>, TaskHandle<boolean>>(true);
  same<Parameters<ReturnType<typeof parsed>['schedule']>[0], { at: string }>(true);
  same<Scheduled<ReturnType<typeof parsed>>, TaskHandle<readonly [number, number]>>(true);
});

test('what does not fit is no call', () => {
  const calls = () => {
    void nightly.schedule();
    void optional.schedule();
    void optional.schedule({ all: true }, { delayMs: 5 });
    // @ts-expect-error a payload is needed
    void sendMail.schedule();
    // @ts-expect-error of another type
    void sendMail.schedule({ to: 1 });
    // @ts-expect-error the schema takes a text
    void parsed().schedule({ at: 1 });
    // @ts-expect-error no such option
    void sendMail.schedule({ to: 'a' }, { delay: 5 });
    const wrong = [{ cron: '@daily', payload: { a: 'b' } }];
    // @ts-expect-error the payloads of schedules are payloads
    task((payload: { a: number }) => payload.a, { cron: wrong });
  };
  expect(calls).toBeInstanceOf(Function);
});
