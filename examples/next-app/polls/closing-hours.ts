/** After how many hours a poll may close by itself, as the form offers them. */
export const CLOSING_HOURS = [1, 24, 168] as const;

/** The hours from a form or from JSON; nothing for a poll that stays open, `null` for what is neither. */
export function parseClosing(value: unknown): number | undefined | null {
  if (value === undefined || value === null || value === '') return undefined;
  const hours = Number(value);
  return CLOSING_HOURS.find((offered) => offered === hours) ?? null;
}
