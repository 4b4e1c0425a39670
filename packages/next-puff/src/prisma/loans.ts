import type { Database } from '../postgres/database.js';
import type { Transaction } from '../postgres/transaction.js';

/** An interactive transaction of Prisma's, and the pool it is on. */
export interface Loan {
  database: Database;
  transaction: Transaction;
}

const MARK = '-- next-puff borrows the transaction ';

const requests = new Map<string, (loan: Loan) => void>();
let lastRequest = 0;

/**
 * Finds the transaction behind the client that Prisma gives to interactive transactions.
 *
 * Prisma hides it, but sends a statement of that client to it and nowhere else: a statement that is
 * only a mark never leaves this process.
 *
 * @param send sends a statement with the client
 * @returns nothing when the client has no transaction of a {@link PrismaPuff}
 */
export async function request(send: (sql: string) => Promise<unknown>): Promise<Loan | undefined> {
  const mark = `${MARK}${++lastRequest}`;
  let found: Loan | undefined;
  requests.set(mark, (loan) => {
    found = loan;
  });
  try {
    await send(mark);
  } finally {
    requests.delete(mark);
  }
  return found;
}

/** Answers a request; false when the statement is none. */
export function lend(sql: string, loan: Loan): boolean {
  if (!sql.startsWith(MARK)) return false;
  const answer = requests.get(sql);
  answer?.(loan);
  return answer !== undefined;
}
