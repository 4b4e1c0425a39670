import { exportCsv } from '@/polls/export';

/** Everything as a CSV file, streamed. */
export async function GET(): Promise<Response> {
  const lines = exportCsv();
  // Waiting for the first rows here lets an unreachable database still answer 503: afterwards the status is sent.
  const head = [await lines.next(), await lines.next()];
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = head.shift() ?? (await lines.next());
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    // The reader left: ending the generator closes the cursor.
    async cancel() {
      await lines.return(undefined);
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="polls.csv"',
    },
  });
}
