import { textOf } from './replies.js';
import type { Session } from './session.js';

/**
 * How long to wait before looking again at a server that is loading its data, in milliseconds; nothing when it takes commands.
 * A user who may not ask (ACL) is not kept waiting.
 */
export async function loadingDelay(session: Session, mostMs: number): Promise<number | undefined> {
  let info: string;
  try {
    info = textOf(await session.ask('INFO'));
  } catch (error) {
    if ((error as Error).message.startsWith('NOPERM')) return undefined;
    throw error;
  }
  const field = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
  if ((field('loading') ?? '0') === '0') return undefined;
  return Math.min(Number(field('loading_eta_seconds') ?? 1) * 1_000 || 1_000, mostMs);
}
