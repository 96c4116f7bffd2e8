import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import {createServer as createTlsServer, type Server} from 'node:https';
import {connect, createServer, type Socket, type Server as TcpServer} from 'node:net';
import {dirname, join} from 'node:path';
import type {ApiServer} from './apiserver.ts';

/** How the API behaves from now on, for connections that are open too. */
export type Behaviour =
  | 'honest'
  /** Takes connections and requests, answers nothing. */
  | 'silent'
  /** Answers each request with 500. */
  | 'error'
  /** Answers each request with 200 and JSON or other text that is nothing of the API's. */
  | 'garbage'
  /** Cuts each connection after a moment. */
  | 'cutting';

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Requests or connections that arrived since the last change. */
  readonly arrivals: number;
  become(behaviour: Behaviour): void;
}

const GARBAGE = [
  '',
  'null',
  '[]',
  '"text"',
  '{',
  '{"items": 7}',
  '{"kind":"PodList","items":[null,7,{}],"metadata":{"resourceVersion":"1"}}',
  '{"type":"ADDED","object":{}}\n{"type":"MODIFIED","object":null}\n{"type":7}\nnull\n',
  '{"type":"BOOKMARK","object":{}}\n{"type":"DELETED","object":{"metadata":{}}}\n',
  '{"metadata":{"name":"haproxy-1","resourceVersion":"9"},"status":[]}',
  '<html>proxy</html>',
];

const CUT_AFTER_MS = 50;

/** Stands between a daemon and a real API server, TLS verified all the same: it has that server's own certificate. */
export async function openFaultProxy(api: ApiServer): Promise<FaultProxy> {
  const pki = dirname(api.caFile);
  const [key, cert] = [await readFile(join(pki, 'server.key')), await readFile(join(pki, 'server.crt'))];
  let behaviour: Behaviour = 'honest';
  let arrivals = 0;
  let turn = 0;
  const open = new Set<Socket>();
  const track = (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
  };

  const liar: Server = createTlsServer({key, cert}, (_request, reply) => {
    arrivals += 1;
    if (behaviour === 'error') reply.writeHead(500, {'content-type': 'text/plain'}).end('etcd is on fire');
    else if (behaviour === 'garbage') reply.writeHead(200).end(GARBAGE[turn++ % GARBAGE.length]);
  });
  liar.on('secureConnection', track);
  liar.listen(0, '127.0.0.1');
  await once(liar, 'listening');

  const portOf = (server: TcpServer): number => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };

  const front = createServer(socket => {
    track(socket);
    const isPassing = behaviour === 'honest' || behaviour === 'cutting';
    if (isPassing) arrivals += 1;
    const target = connect({host: '127.0.0.1', port: isPassing ? api.port : portOf(liar)});
    track(target);
    socket.pipe(target).pipe(socket);
    socket.on('close', () => target.destroy());
    target.on('close', () => socket.destroy());
    if (behaviour === 'cutting') setTimeout(() => socket.destroy(), CUT_AFTER_MS);
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');

  return {
    port: portOf(front),
    get arrivals() {
      return arrivals;
    },
    become(next) {
      behaviour = next;
      arrivals = 0;
      // What hangs keeps what it has; every other change begins anew.
      if (next !== 'silent') for (const socket of open) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      front.close();
      liar.close();
      liar.closeAllConnections();
    },
  };
}
