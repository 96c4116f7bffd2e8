import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm} from 'node:fs/promises';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {freePort} from './free-port.ts';
import {machine, type Place} from './place.ts';
import {waitFor} from './wait.ts';

/** One node of a cluster; its data outlives `kill` and `start`, not `forget`. */
export interface EtcdNode {
  /** What clients are told: `http://127.0.0.1:12379`. */
  readonly url: string;
  readonly port: number;
  start(): void;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  isAnswering(): Promise<boolean>;
  /** One call of the JSON gateway. Only nodes without TLS can be asked. */
  ask(path: string, request: unknown): Promise<Record<string, unknown>>;
}

export interface EtcdCluster extends AsyncDisposable {
  readonly nodes: readonly EtcdNode[];
  /** All endpoints, as `KONTROL_ETCD` takes them. */
  readonly endpoints: string;
  /** One call of the JSON gateway, at any node that answers. */
  ask(path: string, request: unknown): Promise<Record<string, unknown>>;
  /** Kills all nodes, and throws their data away. */
  forget(): Promise<void>;
  /** Waits until every running node answers a read that needs a majority. */
  settle(): Promise<void>;
  /** The one of its last change. */
  revision(): Promise<number>;
  /** Keys under a prefix, as they are now. */
  keys(prefix: string): Promise<readonly string[]>;
  put(key: string, value: string): Promise<void>;
  /** The lease of a key. */
  lease(key: string): Promise<string>;
  /** Whole seconds that a lease has left; -1 once it has ended. */
  remaining(lease: string): Promise<number>;
  /** Forgets all revisions but the current one. */
  compact(): Promise<void>;
}

export interface EtcdOptions {
  readonly nodes?: number;
  readonly place?: Place;
  /** The address that nodes listen on and tell. */
  readonly host?: string;
  /** Paths of a CA, a certificate and its key: clients must show one of that CA, too. */
  readonly tls?: {readonly ca: string; readonly cert: string; readonly key: string};
}

/** Elections in tests take a fraction of a second, and leases may be as short as one. */
const TIMING = ['--heartbeat-interval=50', '--election-timeout=400'];

/** Starts a cluster of real etcd with fresh data and waits until it answers. Disposing kills it and removes the data. */
export async function startEtcd({
  nodes: count = 3,
  place = machine,
  host = '127.0.0.1',
  tls,
}: EtcdOptions = {}): Promise<EtcdCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-etcd-'));
  const ports: {client: number; peer: number}[] = [];
  for (let index = 0; index < count; index++) ports.push({client: await freePort(), peer: await freePort()});
  const cluster = ports.map(({peer}, index) => `n${index}=http://${host}:${peer}`).join(',');
  const nodes = ports.map(({client, peer}, index) =>
    createNode({folder, index, client, peer, cluster, place, host, tls}),
  );

  const ask = async (path: string, request: unknown): Promise<Record<string, unknown>> => {
    for (const node of nodes) {
      const answer = await node.ask(path, request).catch(() => undefined);
      if (answer !== undefined) return answer;
    }
    throw new Error('no etcd node answers');
  };
  const revision = async (): Promise<number> => {
    const {header} = await ask('/kv/range', {key: ANY_KEY});
    return Number((header as {revision: string}).revision);
  };
  const settle = async (): Promise<void> => {
    for (const node of nodes) await waitFor(() => node.isAnswering(), `${node.url} answers`, {timeoutMs: 20_000});
  };
  for (const node of nodes) node.start();
  await settle();
  return {
    nodes,
    endpoints: nodes.map(({url}) => url).join(','),
    ask,
    settle,
    revision,
    async keys(prefix) {
      const answer = await ask('/kv/range', {key: encode(prefix), range_end: encode(`${prefix}\xff`), keys_only: true});
      const found = (answer.kvs ?? []) as readonly {key: string}[];
      return found.map(({key}) => Buffer.from(key, 'base64').toString());
    },
    async put(key, value) {
      await ask('/kv/put', {key: encode(key), value: encode(value)});
    },
    async lease(key) {
      const answer = await ask('/kv/range', {key: encode(key)});
      const [found] = (answer.kvs ?? []) as readonly {lease: string}[];
      if (found === undefined) throw new Error(`there is no key ${key}`);
      return found.lease;
    },
    async remaining(lease) {
      const {TTL} = await ask('/lease/timetolive', {ID: lease});
      return Number(TTL ?? 0);
    },
    async compact() {
      await ask('/kv/compaction', {revision: String(await revision()), physical: true});
    },
    async forget() {
      for (const node of nodes) await node.kill();
      await rm(folder, {recursive: true, force: true});
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node.kill();
      await rm(folder, {recursive: true, force: true});
    },
  };
}

const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, host, () => resolve(true));
    socket.on('error', () => resolve(false)).once('connect', () => socket.destroy());
  });

const encode = (text: string): string => Buffer.from(text).toString('base64');
const ANY_KEY = encode('x');

interface NodeSettings {
  readonly folder: string;
  readonly index: number;
  readonly client: number;
  readonly peer: number;
  readonly cluster: string;
  readonly place: Place;
  readonly host: string;
  readonly tls: EtcdOptions['tls'];
}

function createNode({folder, index, client, peer, cluster, place, host, tls}: NodeSettings): EtcdNode {
  const url = `${tls === undefined ? 'http' : 'https'}://${host}:${client}`;
  let child: ChildProcess | undefined;
  const argv = [
    'etcd',
    `--name=n${index}`,
    `--data-dir=${folder}/n${index}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=http://${host}:${peer}`,
    `--initial-advertise-peer-urls=http://${host}:${peer}`,
    `--initial-cluster=${cluster}`,
    `--initial-cluster-token=${folder}`,
    '--initial-cluster-state=new',
    '--log-level=error',
    ...TIMING,
    ...(tls === undefined
      ? []
      : [`--cert-file=${tls.cert}`, `--key-file=${tls.key}`, `--trusted-ca-file=${tls.ca}`, '--client-cert-auth']),
  ];
  const ask: EtcdNode['ask'] = async (path, request) => {
    const body = JSON.stringify(request);
    const head = `POST /v3${path} HTTP/1.0\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const outcome = await place.exchange({host, port: client, segments: [head, body], timeoutMs: 2000});
    if (outcome.is === 'failed') throw new Error(`${path}: ${outcome.kind}`);
    const {answer} = outcome;
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body) as Record<string, unknown>;
  };
  return {
    url,
    port: client,
    start() {
      const [file = '', ...rest] = place.exec(argv);
      child = spawn(file, rest, {stdio: 'ignore'});
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    signal: name => void child?.kill(name),
    ask,
    async isAnswering() {
      // Who shows no certificate learns no more than that somebody is there.
      if (tls !== undefined) return await accepts(host, client);
      return await ask('/kv/range', {key: ANY_KEY}).then(
        () => true,
        () => false,
      );
    },
  };
}
