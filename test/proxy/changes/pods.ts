import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync, writeFileSync} from 'node:fs';
import {createServer as createHttpServer} from 'node:http';
import {connect, createServer as createTcpServer, type ListenOptions, type Server, type Socket} from 'node:net';
import {join} from 'node:path';
import {systemSpawn} from '../../../src/ports/spawn.ts';
import {ask} from '../../../src/proxy/runtime.ts';
import {openFolder} from '../../support/folder.ts';
import {freePort} from '../../support/free-port.ts';
import {waitFor} from '../../support/wait.ts';

const SPEECHES = ['plain', 'tls', 'proxy', 'proxytls', 'h2c', 'h2tls', 'agent', 'socks4'] as const;

/** What a port speaks, and nothing else. `agent` is asked by agent checks, `socks4` passes on. */
export type Speech = (typeof SPEECHES)[number];

/** Addresses where every port is open; at `DEAD_IP` none is. */
export const LIVE_IPS = ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4', '127.0.1.5'] as const;
export const DEAD_IP = '127.0.9.9';

/** Requests to `path` are answered once `release` is called. */
export interface Held {
  readonly path: string;
  /** So many of them have come to a server, of those that ask for one backend. */
  arrivedFor(cell: string): number;
  release(): void;
}

/** Small servers that answer with the address they were asked at: what stands behind a HAProxy under test. */
export interface Pods extends AsyncDisposable {
  /** Two ports for each, so that a server can move between them. */
  readonly ports: Readonly<Record<Speech, readonly [number, number]>>;
  /** Holds requests back. */
  hold(): Held;
  /** A folder with `ca.pem` (also a server's certificate with its key), `client.pem` and `crl.pem`. */
  readonly folder: string;
}

/** Whom servers with `track` follow. */
export const trackedOf = ({ports}: Pods): string => `127.0.1.5:${ports.plain[0]}`;

const SLOW_MS = 250;

/** How a HAProxy listens for each; the others are servers of ours. */
const BINDS = {
  plain: '',
  tls: 'ssl {tls}',
  proxy: 'accept-proxy',
  proxytls: 'accept-proxy ssl {tls}',
  h2c: 'proto h2',
  h2tls: 'ssl {tls} alpn h2,http/1.1',
} as const;

/** A HAProxy makes and answers thousands of connections a second at little cost, as checks of thousands of servers need. */
const textOf = (ports: Pods['ports'], folder: string): string => `global
  maxconn 4000
  nbthread 1
  stats socket ${folder}/pods.sock level admin
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
  timeout http-request 60s
backend slow
  server slow unix@${folder}/slow.sock
${Object.entries(BINDS)
  .flatMap(([speech, bind]) =>
    ports[speech as Speech].flatMap(port =>
      LIVE_IPS.map(
        ip => `frontend ${speech}-${ip}-${port}
  bind ${ip}:${port} backlog 4096 ${bind.replace('{tls}', `crt ${folder}/ca.pem ca-file ${folder}/ca.crt verify optional ca-ignore-err all crt-ignore-err all`)}
  http-request set-header X-Address ${ip}:${port}
  http-request return status 200 content-type text/plain string ${ip}:${port} unless { path_end /slow }
  use_backend slow if { path_end /slow }
`,
      ),
    ),
  )
  .join('')}`;

interface Hold {
  readonly over: Promise<void>;
  readonly arrived: string[];
}

/** Says what it was asked at, after a while, or once it is let go. */
const slow = (holds: ReadonlyMap<string, Hold>): Server =>
  createHttpServer((request, response) => {
    const answer = () => response.end(request.headers['x-address']);
    const [, cell = '', name = ''] = /^\/(c\d+)\/(held\d+)\//.exec(request.url ?? '') ?? [];
    const hold = holds.get(name);
    hold?.arrived.push(cell);
    if (hold === undefined) setTimeout(answer, SLOW_MS);
    else void hold.over.then(answer);
  });

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

const given = new Set<number>();

/** A port that is free at every address, and given to nobody else here: they are found long before they are listened on. */
async function findPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/** Starts them all, on ports of the system's choice. Needs `openssl` and a HAProxy from 2.2 on. */
export async function startPods(): Promise<Pods> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await openFolder());
  createCertificates(folder.path);
  const pairs: [Speech, [number, number]][] = [];
  for (const speech of SPEECHES) pairs.push([speech, [await findPort(), await findPort()]]);
  const ports = Object.fromEntries(pairs) as unknown as Pods['ports'];
  const listen = async (server: Server, at: ListenOptions) => {
    const sockets = new Set<Socket>();
    server.on('connection', socket => sockets.add(socket.once('close', () => sockets.delete(socket))));
    server.listen({...at, backlog: 4096});
    await once(server, 'listening');
    undo.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  };
  const holds = new Map<string, Hold>();
  await listen(slow(holds), {path: join(folder.path, 'slow.sock')});
  for (const host of LIVE_IPS) {
    for (const port of ports.agent) await listen(agent(), {host, port});
    for (const port of ports.socks4) await listen(socks4(), {host, port});
  }
  const path = join(folder.path, 'pods.cfg');
  writeFileSync(path, textOf(ports, folder.path));
  const lines: string[] = [];
  const child = await systemSpawn.start({file: 'haproxy', args: ['-db', '-f', path]}, line => lines.push(line));
  undo.defer(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  const socket = join(folder.path, 'pods.sock');
  await waitFor(() => ask(socket, 'show info', {timeoutMs: 1000}).catch(() => undefined), 'an answer of the pods', {
    evidence: () => lines.slice(-20).join('\n'),
  });
  const started = undo.move();
  const hold = (): Held => {
    const {promise, resolve} = Promise.withResolvers<void>();
    const name = `held${holds.size}`;
    const arrived: string[] = [];
    holds.set(name, {over: promise, arrived});
    return {
      path: `/${name}/slow`,
      arrivedFor: cell => arrived.filter(one => one === cell).length,
      release: resolve,
    };
  };
  return {ports, hold, folder: folder.path, [Symbol.asyncDispose]: () => started.disposeAsync()};
}
