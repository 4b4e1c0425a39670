/** An open transaction of Prisma's that others may use. */
export interface Loan {
  /** Runs a function whose statements belong to the transaction. */
  within<T>(fn: () => T): T;
}

const MARK = '-- next-puff borrows this transaction: ';

const requests = new Map<string, (loan: Loan) => void>();
let lastRequest = 0;

/**
 * Finds the transaction behind the client that Prisma gives to interactive transactions.
 *
 * Prisma hides it, but sends a statement of that client to it and nowhere else: a statement that is
 * only a mark never leaves this process.
 *
 * @param send sends a statement with the client
 * @returns nothing when the client has no transaction of a `PrismaPuff`
 */
export async function requestLoan(
  send: (sql: string) => PromiseLike<unknown>,
): Promise<Loan | undefined> {
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

/** Whether a statement is only a mark. */
export function isLoanRequest(sql: string): boolean {
  return sql.startsWith(MARK);
}

/** Answers a request. */
export function lend(mark: string, loan: Loan): void {
  requests.get(mark)?.(loan);
}
