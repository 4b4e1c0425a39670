import { postgres } from 'next-puff/postgres';

async function sleepInAction() {
  'use server';
  await postgres`select pg_sleep(60), 'asked by an action'`;
}

export default function Page() {
  return (
    <form action={sleepInAction}>
      <button type="submit">Sleep</button>
    </form>
  );
}
