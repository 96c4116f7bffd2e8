import {once} from 'node:events';
import {createServer} from 'node:http';
import {createServer as createHttp2Server} from 'node:http2';
import {freePort} from '../support/free-port.ts';

const WEBSOCKET = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

/** Servers for the recipes, each at an address of its own, on the same port; `/fail` is answered 500 by `web-2`. */
export interface RecipePods extends AsyncDisposable {
  readonly port: number;
  readonly grpcPort: number;
}

const ADDRESSES: Readonly<Record<string, string>> = {
  'web-1': '127.0.9.11',
  'web-2': '127.0.9.12',
  'canary-1': '127.0.9.13',
};

export const HOSTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['grpc', ['127.0.9.14']],
  ['web', ['127.0.9.11', '127.0.9.12']],
  ['web-canary', ['127.0.9.13']],
]);

function startWeb(name: string, host: string, port: number) {
  const server = createServer((request, response) => {
    response.statusCode = name === 'web-2' && request.url === '/fail' ? 500 : 200;
    response.setHeader('x-seen-proto', request.headers['x-forwarded-proto'] ?? 'none');
    response.end(name);
  });
  // What it says after the handshake is said back.
  server.on('upgrade', (_request, socket) => {
    socket.write(`${WEBSOCKET}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`);
    socket.pipe(socket);
  });
  return server.listen(port, host);
}

/** A gRPC server as far as a proxy sees: a body, and how the call ended in the trailers. */
function startGrpc(host: string, port: number) {
  const server = createHttp2Server();
  server.on('stream', stream => {
    stream.on('error', () => {});
    stream.respond({':status': 200, 'content-type': 'application/grpc'}, {waitForTrailers: true});
    stream.on('wantTrailers', () => stream.sendTrailers({'grpc-status': '0'}));
    stream.pipe(stream);
  });
  return server.listen(port, host);
}

export async function startRecipePods(): Promise<RecipePods> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  const webs = Object.entries(ADDRESSES).map(([name, host]) => startWeb(name, host, port));
  const grpc = startGrpc('127.0.9.14', grpcPort);
  await Promise.all([...webs, grpc].map(server => once(server, 'listening')));
  return {
    port,
    grpcPort,
    async [Symbol.asyncDispose]() {
      for (const server of webs) server.closeAllConnections();
      for (const server of [...webs, grpc]) server.close();
    },
  };
}
