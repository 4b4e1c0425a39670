export const dynamic = 'force-dynamic';

const BODIES: Record<string, () => BodyInit | null> = {
  text: () => 'täxt',
  empty: () => '',
  null: () => null,
  bytes: () => new Uint8Array([0, 1, 255]),
  buffer: () => new Uint8Array([7, 8, 9]).buffer,
  view: () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  blob: () => new Blob(['blob'], { type: 'text/x-blob' }),
  form: () => new URLSearchParams({ a: '1', b: 'ä' }),
  large: () => 'x'.repeat(300_000),
  stream: () =>
    new ReadableStream({
      async start(controller) {
        for (const part of ['one ', 'two ', 'three']) {
          controller.enqueue(new TextEncoder().encode(part));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        controller.close();
      },
    }),
};

export function GET(request: Request) {
  const kind = new URL(request.url).searchParams.get('kind') ?? '';
  return new Response(BODIES[kind]?.());
}

export function POST() {
  const response = new Response('read twice');
  void response.text();
  return response;
}
