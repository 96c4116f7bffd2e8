import {existsSync} from 'node:fs';
import {mkdir, readFile, symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {type EtcdCluster, startEtcd} from '../support/etcd.ts';
import {openFolder} from '../support/folder.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {openNamespaces, type TwoNamespaces} from '../support/namespaces.ts';
import {replaceFile} from '../support/replace-file.ts';
import {waitFor} from '../support/wait.ts';
import {addAddresses, cast} from './cast.ts';
import type {Journal} from './journal.ts';
import {createModel, type Model, type Span} from './model.ts';
import type {Discrepancy} from './oracle.ts';
import {type PlayedPod, playPod} from './pods.ts';
import {type Form, goodTemplate, WEB_PORT} from './templates.ts';
import type {Usage, Watched} from './usage.ts';

export type StoreKind = 'embedded' | 'etcd';

const TTL_MS = 4000;
const PERIOD_MS = 1200;
/** A snapshot is at most 1 s old (docs/architecture.md#invariants, 5); the rest is for a busy machine. */
const SNAPSHOT_MS = 2500;
/** Expiry is noticed within 0.5 s; a lease of etcd runs in whole seconds, is renewed in batches and, shared with others at first, for some pings more. */
const LATE_MS = {embedded: 2000, etcd: 8000} as const;

/** As the daemon's own setting; none unless the environment says how many. */
const SPARE_SERVERS = process.env.KONTROL_SPARE_SERVERS ?? '0';

/** Everything that a run acts upon. */
export interface World extends AsyncDisposable {
  readonly net: TwoNamespaces;
  readonly etcd: EtcdCluster | undefined;
  readonly model: Model;
  readonly pods: readonly PlayedPod[];
  readonly form: Form;
  readonly dataFolder: string;
  readonly proxySocket: string;
  /** `proxy.cfg` as it is. */
  served(): Promise<string>;
  /** The daemon of now; `life` counts them. */
  daemon: Daemon;
  life: number;
  /** It is killed or stopped, on purpose. */
  isDown: boolean;
  /** Changes whenever what was being observed is worth nothing. */
  era: number;
  /** What may keep it out of sync for now, by name. */
  readonly disturbances: Set<string>;
  /** When there was a disturbance last. */
  disturbedMs: number;
  readonly template: {n: number; servedFrom: number; isSpoilt: boolean};
  /** When HAProxy had been killed and was not back. */
  readonly windows: Span[];
  /** How often a daemon noticed that it had not run for seconds, for want of CPU. */
  stalls: number;
  /** At calm moments, daemon by daemon. */
  readonly usages: Usage[][];
  readonly problems: Discrepancy[];
  readonly failed: AbortSignal;
  fail(found: readonly Discrepancy[]): void;
  writeTemplate(text: string): Promise<void>;
  /** Starts the next daemon on the same folder. */
  startNext(): Promise<Daemon>;
  watched(): Watched;
}

const LEGACY = '/usr/sbin/xtables-legacy-multi';

/** Only the old kind of iptables has a lock that others can hold: it comes first on PATH where the machine has it. */
async function openTools(folder: string): Promise<string> {
  if (!existsSync(LEGACY)) return process.env.PATH ?? '';
  await mkdir(folder);
  for (const tool of ['iptables', 'ip6tables']) {
    for (const suffix of ['', '-save', '-restore']) await symlink(LEGACY, join(folder, `${tool}${suffix}`));
  }
  return `${folder}:${process.env.PATH}`;
}

/** Opens namespaces, backends, the store and a first daemon with its anchors in; disposing ends all of it. */
export async function openWorld(store: StoreKind, journal: Journal): Promise<World> {
  await using undo = new AsyncDisposableStack();
  const net = undo.use(await openNamespaces());
  addAddresses(net.client);
  undo.use(
    await startBackends(
      cast.map(({ip}) => ({name: ip, host: ip, port: WEB_PORT})),
      net.client,
    ),
  );
  const etcd =
    store === 'etcd' ? undo.use(await startEtcd({nodes: 1, place: net.client, host: net.client.ip})) : undefined;
  const folder = undo.use(await openFolder());
  const dataFolder = join(folder.path, 'data');
  const temporaryFolder = join(folder.path, 'tmp');
  await mkdir(temporaryFolder);
  const path = await openTools(join(folder.path, 'tools'));
  const form = {isOld: !haproxyIsAtLeast(2, 0), hasSpares: SPARE_SERVERS !== '0'};
  const templatePath = join(folder.path, 'proxy.j2');
  const failure = new AbortController();
  const model = createModel({
    ttlMs: TTL_MS,
    lateMs: LATE_MS[store],
    snapshotMs: SNAPSHOT_MS,
    lostReplicaMs: store === 'etcd' ? TTL_MS : 0,
  });

  let writing: Promise<void> = Promise.resolve();
  /** One after the other, however many are asked for at once: the last one asked for is what stays. */
  const writeTemplate = (text: string): Promise<void> => {
    writing = writing.then(() => replaceFile(templatePath, text));
    return writing;
  };
  await writeTemplate(goodTemplate(0, form));

  const daemons = undo.use(new AsyncDisposableStack());
  const launch = async (): Promise<Daemon> =>
    daemons.use(
      await startDaemon({
        template: templatePath,
        place: net.proxy,
        dataFolder,
        env: {
          PATH: path,
          TMPDIR: temporaryFolder,
          KONTROL_TTL: String(TTL_MS / 1000),
          KONTROL_GRACE: '10',
          KONTROL_SPARE_SERVERS: SPARE_SERVERS,
          ...(etcd !== undefined && {KONTROL_ETCD: etcd.endpoints}),
        },
      }),
    );

  const world: Omit<World, typeof Symbol.asyncDispose> = {
    net,
    etcd,
    model,
    form,
    dataFolder,
    proxySocket: join(dataFolder, 'haproxy.sock'),
    served: () => readFile(join(dataFolder, 'proxy.cfg'), 'utf8'),
    pods: cast.map(pod =>
      playPod(pod, {
        place: net.client,
        master: {host: net.proxy.ip, port: 8000},
        model,
        periodMs: PERIOD_MS,
        mayRecord: () => world.disturbances.has('outage'),
        onUnexpected: detail => world.fail([{what: 'unexpected answer', detail}]),
      }),
    ),
    daemon: await launch(),
    life: 1,
    isDown: false,
    era: 0,
    disturbances: new Set(),
    disturbedMs: Date.now(),
    template: {n: 0, servedFrom: 0, isSpoilt: false},
    windows: [],
    stalls: 0,
    usages: [[]],
    problems: [],
    failed: failure.signal,
    fail(found) {
      for (const {what, detail} of found) journal.note(`DISCREPANCY ${what}`, detail);
      world.problems.push(...found);
      if (found.length > 0) failure.abort();
    },
    writeTemplate,
    async startNext() {
      world.daemon = await launch();
      world.life += 1;
      world.usages.push([]);
      followExit();
      return world.daemon;
    },
    watched: () => ({pid: world.daemon.pid, dataFolder, temporaryFolder, place: net.proxy, path}),
  };
  const followExit = () => {
    const {daemon, life} = world;
    void daemon.exited.then(exit => {
      journal.keep(daemon, `daemon-${life}.log`);
      if (world.daemon === daemon && !world.isDown) world.fail([{what: 'wrong exit', detail: JSON.stringify(exit)}]);
    });
  };
  followExit();
  undo.defer(async () => {
    await Promise.all(world.pods.map(pod => pod.end()));
  });
  for (const pod of world.pods) if (pod.isAnchor) pod.join();
  const anchors = world.pods.filter(pod => pod.isAnchor).length;
  await world.daemon.waitFor(
    ({inSync, memberCount}) => inSync && memberCount === anchors && existsSync(join(dataFolder, 'proxy.cfg')),
    'the anchors served',
  );
  await waitFor(() => existsSync(join(dataFolder, 'members.json')), 'a snapshot');
  const kept = undo.move();
  return Object.assign(world, {
    async [Symbol.asyncDispose]() {
      world.isDown = true;
      await kept.disposeAsync();
    },
  });
}
