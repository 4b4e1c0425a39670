/** As apps do that have something of their own to end. */
export async function register() {
  // Spelled so, the edge runtime's bundle is without it.
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    if (process.env.FIXTURE_EXITS_AT_START) process.exit(9);
    const notes = process.env.FIXTURE_NOTES;
    if (!notes) return;
    const { appendFileSync } = await import('node:fs');
    process.on('SIGTERM', () => appendFileSync(notes, 'the app heard SIGTERM\n'));
  }
}
