import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type Daemon, startDaemon} from './daemon.ts';
import {type EtcdCluster, startEtcd} from './etcd.ts';
import {haproxyBinary} from './parts.ts';
import {openReplicaNet, type ReplicaNet} from './replica-net.ts';
import type {Status} from './status.ts';
import {waitFor} from './wait.ts';
import {openWallClock, type WallClock} from './wall-clock.ts';

/** Balances the hosts of the app `web`. */
const TEMPLATE = `
frontend proxy
  mode http
  bind *:80
  timeout client 15s
  default_backend web

backend web
  mode http
  balance roundrobin
  option redispatch
  retries 3
  timeout connect 2s
  timeout server 15s
{%- for ip in hosts['web'] %}
  server web-{{loop.index}} {{ip}}:80
{%- endfor %}
`;

/** How long it took until all replicas, linked to etcd, knew the same hosts, and until every proxy served them. */
export interface Agreement {
  readonly knownMs: number;
  readonly servedMs: number;
  readonly statuses: readonly Status[];
}

/** Three daemons with HAProxy, each in a namespace, on a real etcd of three nodes. Disposing ends all of it. */
export interface ReplicaSet extends AsyncDisposable {
  readonly net: ReplicaNet;
  readonly etcd: EtcdCluster;
  readonly daemons: readonly Daemon[];
  /** The wall clock of the daemon `CLOCKED`. */
  readonly clock: WallClock;
  readonly ttlMs: number;
  /** Who should be served; a test keeps it. */
  readonly live: Set<string>;
  daemon(index: number): Daemon;
  /** Starts one anew on the folder that it left; resolves once it answers. */
  restart(index: number): Promise<void>;
  /** Waits until all (or those `among` them) serve exactly those in `live`, in one order; tells how long that took. */
  agree(what: string, options?: {readonly among?: readonly number[]; readonly timeoutMs?: number}): Promise<Agreement>;
}

interface ReplicaSetOptions {
  readonly ttlMs: number;
  /** Addresses that the hub holds, or whole networks of them. */
  readonly podIps?: readonly string[];
  readonly podNetworks?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const REPLICAS = 3;
const CLOCKED = 1;

/** Ten times what an agreement may take. */
const AGREE_LIMIT_MS = 30_000;

export async function openReplicaSet(options: ReplicaSetOptions): Promise<ReplicaSet> {
  await using undo = new AsyncDisposableStack();
  const {ttlMs, podIps = [], podNetworks = [], env = {}} = options;
  const net = undo.use(await openReplicaNet(REPLICAS, {podIps, podNetworks}));
  const clock = undo.use(await openWallClock());
  const timely = undo.use(await openTimelyHaproxy());
  const etcd = undo.use(await startEtcd({place: net.hub, host: net.hub.ip}));
  const live = new Set<string>();
  const daemons: Daemon[] = [];
  const daemon = (index: number): Daemon => {
    const found = daemons[index];
    if (found === undefined) throw new RangeError(`there is no daemon ${index}`);
    return found;
  };

  const start = async (index: number, earlier?: Daemon): Promise<Daemon> => {
    const place = net.replicas[index];
    if (place === undefined) throw new RangeError(`there is no replica ${index}`);
    return await startDaemon({
      template: TEMPLATE,
      place,
      ...(earlier && {dataFolder: earlier.dataFolder}),
      env: {
        KONTROL_ID: `lb-${index}`,
        KONTROL_ETCD: etcd.endpoints,
        KONTROL_TTL: String(ttlMs / 1000),
        KONTROL_GRACE: '10',
        ...(index === CLOCKED && {...clock.env, KONTROL_HAPROXY: timely.path}),
        ...env,
      },
    });
  };
  for (let index = 0; index < REPLICAS; index++) daemons.push(undo.use(await start(index)));

  const evidence = () =>
    daemons
      .map(({logs}) =>
        logs
          .slice(-12)
          .map(line => JSON.stringify(line))
          .join('\n'),
      )
      .join('\n\n');

  /** The statuses, once these know those in `live` and `isEnough` says so of each. */
  const look = async (
    among: readonly Daemon[],
    isEnough: (status: Status) => boolean,
  ): Promise<readonly Status[] | undefined> => {
    const statuses = (await Promise.all(among.map(one => one.status()))).filter(status => status !== undefined);
    const wanted = JSON.stringify([...live].sort());
    const isRight = statuses.every(
      status => isEnough(status) && JSON.stringify((status.hosts.web ?? []).toSorted()) === wanted,
    );
    const digests = new Set(statuses.map(({digest}) => digest));
    return statuses.length === among.length && digests.size === 1 && isRight ? statuses : undefined;
  };

  const kept = undo.move();
  return {
    net,
    etcd,
    daemons,
    clock,
    ttlMs,
    live,
    daemon,
    async restart(index) {
      daemons[index] = kept.use(await start(index, daemon(index)));
      await waitFor(() => daemon(index).status(), `daemon ${index} answers`, {evidence});
    },
    async agree(what, {among, timeoutMs = AGREE_LIMIT_MS} = {}) {
      const startedMs = performance.now();
      const waiting = {timeoutMs, evidence};
      const chosen = among?.map(daemon) ?? daemons;
      await waitFor(() => look(chosen, ({store}) => store.healthy), `${what}: the same hosts known`, waiting);
      const knownMs = performance.now() - startedMs;
      const statuses = await waitFor(
        () => look(chosen, ({inSync}) => inSync),
        `${what}: the same hosts served`,
        waiting,
      );
      return {knownMs, servedMs: performance.now() - startedMs, statuses};
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The HAProxy under test with the machine's own clock: what a step does to requests in flight there is not ours. */
async function openTimelyHaproxy(): Promise<AsyncDisposable & {readonly path: string}> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-timely-'));
  const path = join(folder, 'haproxy');
  await writeFile(path, `#!/bin/sh\nunset LD_PRELOAD\nexec ${haproxyBinary} "$@"\n`, {mode: 0o755});
  return {path, [Symbol.asyncDispose]: () => rm(folder, {recursive: true})};
}
