export function GET() {
  return new Response('This is the lobby.');
}
