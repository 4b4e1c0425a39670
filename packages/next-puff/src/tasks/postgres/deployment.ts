/** Runs a statement in a transaction. */
export type Run = (sql: string, values: readonly unknown[]) => Promise<Record<string, unknown>[]>;

/** PostgreSQL's clock in milliseconds since 1970. */
export const NOW = '(extract(epoch from clock_timestamp()) * 1000)::float8';

/** How long the schedules stay those of a deployment of which nothing is heard. */
const HELD_MS = 30_000;

/** What is left of that when a process of it ends: others of the same deployment have said by then that they live. */
const LEFT_MS = 10_000;

const DEPLOYED_AT = 'schedules_deployed_at';
const HELD_UNTIL = 'schedules_held_until';

/**
 * Whose schedules are stored: those of the newest deployment that lives.
 *
 * While workers of it live they say so. A deployment that is older than the stored one waits until nothing has been heard
 * of that, so that after a rollback nothing stays scheduled that only the version has which was taken back.
 */
export const deployment = {
  /** Whether the schedules have to be written by this deployment now: they are another's, or `isNew` to it. */
  async takesOver(run: Run, deployedAt: number, isNew: boolean): Promise<boolean> {
    await run(
      'insert into next_puff.task_settings (name, value) values ($1, 0), ($2, 0) on conflict do nothing',
      [DEPLOYED_AT, HELD_UNTIL],
    );
    const [stored] = await run(
      `select deployed.value::float8 as "deployedAt", held.value > ${NOW} as "isHeld"
       from next_puff.task_settings as deployed, next_puff.task_settings as held
       where deployed.name = $1 and held.name = $2 for update of deployed, held`,
      [DEPLOYED_AT, HELD_UNTIL],
    );
    const own = Math.trunc(deployedAt);
    const other = stored?.deployedAt as number;
    if (other > own && stored?.isHeld === true) return false;
    await run('update next_puff.task_settings set value = $2 where name = $1', [DEPLOYED_AT, own]);
    await hold(run, HELD_MS);
    return isNew || other !== own;
  },

  /** Whether this deployment has to say that it lives, or may take the place of another one. */
  async isDue(run: Run, deployedAt: number): Promise<boolean> {
    const [due] = await run(
      `select 1 from next_puff.task_settings as deployed, next_puff.task_settings as held
       where deployed.name = $1 and held.name = $2 and case when deployed.value = $3
         then held.value < ${NOW} + $4::float8 else deployed.value < $3 or held.value <= ${NOW} end`,
      [DEPLOYED_AT, HELD_UNTIL, Math.trunc(deployedAt), HELD_MS / 2],
    );
    return due !== undefined;
  },

  /** A process ends; if it was the last one of its deployment, another one may soon take its place. */
  async leave(run: Run, deployedAt: number): Promise<void> {
    await run(
      `update next_puff.task_settings as held set value = least(held.value, (${NOW} + $3::float8)::bigint)
       from next_puff.task_settings as deployed
       where held.name = $2 and deployed.name = $1 and deployed.value = $4`,
      [DEPLOYED_AT, HELD_UNTIL, LEFT_MS, Math.trunc(deployedAt)],
    );
  },
};

async function hold(run: Run, forMs: number): Promise<void> {
  await run(
    `update next_puff.task_settings set value = (${NOW} + $2::float8)::bigint where name = $1`,
    [HELD_UNTIL, forMs],
  );
}
