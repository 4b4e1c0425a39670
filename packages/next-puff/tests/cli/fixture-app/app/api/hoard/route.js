export const dynamic = 'force-dynamic';

/** Keeps more and more, until there is no memory left. */
export async function GET() {
  const kept = [];
  for (;;) {
    for (let i = 0; i < 1000; i++) kept.push(Array.from({ length: 1000 }, () => ({ of: kept })));
    await new Promise(setImmediate);
  }
}
