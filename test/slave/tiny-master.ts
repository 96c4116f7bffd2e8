import {once} from 'node:events';
import {createServer, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {TestContext} from 'node:test';

/** A master that answers as told, closed with its connections when the test ends. */
export async function openMaster(t: TestContext, onRequest: RequestListener, at: {host?: string; port?: number} = {}) {
  const server = createServer(onRequest);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const host = at.host ?? '127.0.0.1';
  server.listen(at.port ?? 0, host);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {host, port: (server.address() as AddressInfo).port, connections: () => connections};
}
