import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync, writeFileSync} from 'node:fs';
import {createServer as createHttpServer, type RequestListener} from 'node:http';
import {createServer as createHttp2Server, createSecureServer} from 'node:http2';
import {createServer as createHttpsServer} from 'node:https';
import {connect, createServer as createTcpServer, type Server, type Socket} from 'node:net';
import {join} from 'node:path';
import {openFolder} from '../../support/folder.ts';

const SPEECHES = ['plain', 'tls', 'proxy', 'proxytls', 'h2c', 'h2tls', 'agent', 'socks4'] as const;

/** What a port speaks, and nothing else. `agent` is asked by agent checks, `socks4` passes on. */
export type Speech = (typeof SPEECHES)[number];

/** Addresses where every port is open; at `DEAD_IP` none is. */
export const LIVE_IPS = ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4', '127.0.1.5'] as const;
export const DEAD_IP = '127.0.9.9';

/** Small servers that answer with the address they were asked at: what stands behind a HAProxy under test. */
export interface Pods extends AsyncDisposable {
  /** Two ports for each, so that a server can move between them. */
  readonly ports: Readonly<Record<Speech, readonly [number, number]>>;
  /** A folder with `ca.pem` (also a server's certificate with its key), `client.pem` and `crl.pem`. */
  readonly folder: string;
}

const SLOW_MS = 250;

/** Answers with its own address, some paths after a while. */
const answerAs =
  (address: () => string): RequestListener =>
  (request, response) => {
    if (request.url?.endsWith('/slow')) setTimeout(() => response.end(address()), SLOW_MS);
    else response.end(address());
  };

const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n');

/** How long the PROXY header at the start is; 0 while it is not there as a whole, undefined when there is none. */
function proxyHeaderBytes(head: Buffer): number | undefined {
  if (head.subarray(0, 6).toString() === 'PROXY ') return head.indexOf('\r\n') + 2 || 0;
  const start = head.subarray(0, V2_SIGNATURE.length);
  if (!start.equals(V2_SIGNATURE.subarray(0, start.length)))
    return 'PROXY '.startsWith(head.toString()) ? 0 : undefined;
  const bytes = head.length < 16 ? 16 : 16 + head.readUInt16BE(14);
  return head.length < bytes ? 0 : bytes;
}

/** Takes connections that begin with a PROXY header; what follows goes to `inner`, which listens at `path`. */
function behindProxyProtocol(inner: Server, path: string): Server {
  inner.listen(path);
  return createTcpServer(socket => {
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const bytes = proxyHeaderBytes(head);
      if (bytes === undefined) socket.destroy();
      if (!bytes) return;
      socket.off('data', read).pause();
      const through = connect(path);
      through.on('error', () => socket.destroy()).write(head.subarray(bytes));
      socket.pipe(through).pipe(socket);
    };
    socket.on('data', read).on('error', () => undefined);
  }).on('close', () => inner.close());
}

const agent = (): Server =>
  createTcpServer(socket => {
    socket.on('error', () => undefined).resume();
    socket.end('up ready 50%\n');
  });

/** SOCKS4 (openssh.com/txt/socks4.protocol): version, command, port, IP, user, NUL. */
const socks4 = (): Server =>
  createTcpServer(socket => {
    socket
      .on('error', () => undefined)
      .once('data', head => {
        const upstream = connect(head.readUInt16BE(2), [...head.subarray(4, 8)].join('.'));
        upstream.on('error', () => socket.destroy());
        upstream.once('connect', () => {
          socket.write(Buffer.from([0, 0x5a, 0, 0, 0, 0, 0, 0]));
          socket.pipe(upstream).pipe(socket);
        });
      });
  });

function createCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, {cwd: folder, stdio: 'ignore'});
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const pemOf = (name: string) =>
    writeFileSync(
      join(folder, `${name}.pem`),
      ['crt', 'key'].map(end => readFileSync(join(folder, `${name}.${end}`), 'utf8')).join(''),
    );
  for (const name of ['ca', 'client']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
    pemOf(name);
  }
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'number'), '01\n');
  writeFileSync(
    join(folder, 'ca.cnf'),
    '[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=2\n',
  );
  openssl('ca', '-config', 'ca.cnf', '-gencrl', '-keyfile', 'ca.key', '-cert', 'ca.crt', '-out', 'crl.pem');
}

/** Starts them all, on ports of the system's choice. Needs `openssl`. */
export async function startPods(): Promise<Pods> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await openFolder());
  createCertificates(folder.path);
  const pem = readFileSync(join(folder.path, 'ca.pem'));
  const tls = {key: pem, cert: pem, requestCert: true, rejectUnauthorized: false};
  const make = (speech: Speech, address: () => string, path: string): Server => {
    const answer = answerAs(address);
    switch (speech) {
      case 'plain':
        return createHttpServer(answer);
      case 'tls':
        return createHttpsServer(tls, answer);
      case 'proxy':
        return behindProxyProtocol(createHttpServer(answer), path);
      case 'proxytls':
        return behindProxyProtocol(createHttpsServer(tls, answer), path);
      case 'h2c':
        return createHttp2Server(answer as never);
      case 'h2tls':
        return createSecureServer({...tls, allowHTTP1: true}, answer as never);
      case 'agent':
        return agent();
      case 'socks4':
        return socks4();
    }
  };
  let paths = 0;
  const listen = async (speech: Speech): Promise<number> => {
    for (;;) {
      let port = 0;
      const open: Server[] = [];
      try {
        for (const host of LIVE_IPS) {
          paths += 1;
          const server = make(speech, () => `${host}:${port}`, join(folder.path, `${paths}.sock`));
          const sockets = new Set<Socket>();
          server.on('connection', socket => sockets.add(socket.once('close', () => sockets.delete(socket))));
          server.on('tlsClientError', () => undefined);
          server.listen({host, port, backlog: 4096});
          await once(server, 'listening');
          open.push(server);
          port = (server.address() as {port: number}).port;
          undo.defer(() => {
            for (const socket of sockets) socket.destroy();
            server.close();
          });
        }
        return port;
      } catch {
        // The port that the first address got is taken on another.
        for (const server of open) server.close();
      }
    }
  };
  const pairs: [Speech, [number, number]][] = [];
  for (const speech of SPEECHES) pairs.push([speech, [await listen(speech), await listen(speech)]]);
  const started = undo.move();
  return {
    ports: Object.fromEntries(pairs) as unknown as Pods['ports'],
    folder: folder.path,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
