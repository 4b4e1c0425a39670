import { redirect } from 'next/navigation';
import { currentContext } from 'next-puff/next';
import { record } from '@/lib/record';

export async function POST() {
  currentContext()?.onSettle((outcome) => record(`redirect: ${outcome}`));
  redirect('/elsewhere');
}
