import {once} from 'node:events';
import {createServer, type ServerResponse} from 'node:http';
import {BACKEND_HEADER, type Backend, ENDLESS_MS, ENDLESS_PATH, SLOW_BYTES, SLOW_MS, SLOW_PATH} from './backend.ts';
import {helperSettings, serveHelper} from './helper.ts';

const SLOW_PIECES = 40;

function answerSlowly(response: ServerResponse, durationMs: number): void {
  response.setHeader('Content-Length', SLOW_BYTES);
  let left = SLOW_PIECES;
  const timer = setInterval(() => {
    response.write('x'.repeat(SLOW_BYTES / SLOW_PIECES));
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    response.end();
  }, durationMs / SLOW_PIECES);
  response.once('close', () => clearInterval(timer));
}

async function startBackend({name, host, port}: Backend): Promise<void> {
  // The proxy reuses idle connections: closing them from here would fail its requests, and the test would blame it.
  const server = createServer({keepAliveTimeout: 0}, (request, response) => {
    response.setHeader(BACKEND_HEADER, name);
    if (request.url === SLOW_PATH) answerSlowly(response, SLOW_MS);
    else if (request.url === ENDLESS_PATH) answerSlowly(response, ENDLESS_MS);
    else response.setHeader('Content-Length', name.length + 1).end(`${name}\n`);
  });
  server.listen(port, host);
  await once(server, 'listening');
}

await Promise.all(helperSettings<Backend[]>().map(startBackend));
serveHelper(() => null);
