import { taskHandle } from 'next-puff/tasks';
import { sendMail } from '@/tasks/mail';

export async function POST(request: Request): Promise<Response> {
  const { id } = await sendMail.schedule(await request.json());
  return Response.json({ id });
}

export async function GET(request: Request): Promise<Response> {
  const id = new URL(request.url).searchParams.get('id') as string;
  return Response.json(await taskHandle(id).result({ timeoutMs: 30_000 }));
}
