export function GET() {
  return Response.json({ takes: 'no sockets' });
}
