import { untilAborted } from '@/lib/record';

export async function POST() {
  return untilAborted('route');
}
