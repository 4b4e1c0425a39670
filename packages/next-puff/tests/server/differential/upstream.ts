import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** The other server, which the fixture app's rewrites lead to. */
export async function startUpstream(port: number): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://upstream').pathname;
    const [, kind = '', argument = ''] = path.split('/');
    switch (kind) {
      case 'status':
        response.writeHead(Number(argument), 'By The Upstream', { 'X-Upstream': 'yes' });
        return response.end('by status');
      case 'stream':
        response.write('one ');
        response.write('two ');
        return response.end('three');
      case 'cookies':
        response.setHeader('Set-Cookie', ['one=1; Path=/', 'two=2']);
        response.setHeader('Content-Type', 'text/plain');
        return response.end('cookies '.repeat(500));
    }
    let body = '';
    for await (const chunk of request.setEncoding('latin1')) body += chunk;
    const { 'x-custom': custom, host } = request.headers;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ method: request.method, url: request.url, custom, host, body }));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
