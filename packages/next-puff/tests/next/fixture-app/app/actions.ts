'use server';

import { redirect } from 'next/navigation';
import { action, currentContext } from 'next-puff/next';
import { imported, makeActions } from '@/lib/more-actions';
import { contextName, record, untilAborted } from '@/lib/record';
import { withAuth } from '@/lib/with-auth';

export async function declared(word: string, count = 1) {
  return [contextName(), word.repeat(count)];
}

export const arrow = async (word: string) => [contextName(), word];

export const guarded = withAuth(async (word: string) => [contextName(), word]);

export const explicit = action({ deadlineMs: 200 }, async (word: string) => {
  if (word === 'wait') await new Promise(() => {});
  return [contextName(), word];
});

async function local(word: string) {
  return [contextName(), word];
}

export { imported, local as renamed };
export const { destructured } = makeActions();

export async function waiting() {
  return untilAborted('action');
}

export async function redirecting() {
  currentContext()?.onSettle((outcome) => record(`action redirect: ${outcome}`));
  redirect('/elsewhere');
}

export default async function () {
  return contextName();
}
