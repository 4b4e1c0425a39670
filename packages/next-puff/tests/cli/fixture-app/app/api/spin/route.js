export const dynamic = 'force-dynamic';

/** Never ends, and lets nothing else run. */
export function GET() {
  for (;;);
}
