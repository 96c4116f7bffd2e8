/*
 * How fast pings are registered through etcd beside the embedded store, and what a ping costs etcd once nothing changes:
 * `node test/bench/etcd.ts`. One process holds the replicas; etcd is real, three nodes on this machine's disk.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import {createEmbeddedStore} from '../../src/members/embedded-store.ts';
import {openRegistry, type Registry} from '../../src/members/registry.ts';
import {openSnapshotFile} from '../../src/members/snapshot-file.ts';
import {createTable} from '../../src/members/table.ts';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {openReplica} from '../members/etcd/replicas.ts';
import {createMemoryFiles, openLogSink, pingOf} from '../members/fixtures.ts';
import {type EtcdCluster, startEtcd} from '../support/etcd.ts';
import {waitFor} from '../support/wait.ts';

const PODS = 2000;
const ROUNDS = 20;
const TTL_MS = 60_000;

const pods = Array.from({length: PODS}, (_, index) =>
  pingOf({ip: `10.1.${index >> 8}.${index & 255}`, id: `pod-${index}`}),
);

const isRegistered = ({members, size}: Registry): boolean =>
  size === PODS && members().every(({seq}) => seq !== undefined);

/** Milliseconds until every pod, each heard by one of the registries, is settled in all of them. */
async function register(registries: readonly Registry[]): Promise<number> {
  const startedMs = performance.now();
  for (const [index, ping] of pods.entries()) registries[index % registries.length]?.record(ping);
  await waitFor(() => registries.every(isRegistered), 'every pod registered', {timeoutMs: 120_000});
  return performance.now() - startedMs;
}

/** Microseconds of our own time that a ping without news takes. */
function hear(registries: readonly Registry[]): number {
  const startedMs = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, ping] of pods.entries()) registries[(index + round) % registries.length]?.record(ping);
  }
  return (1000 * (performance.now() - startedMs)) / (ROUNDS * PODS);
}

const report = (name: string, values: Readonly<Record<string, string>>): void => {
  const columns = Object.entries(values).map(([title, value]) => `${title} ${value}`);
  process.stdout.write(`${name.padEnd(22)} ${columns.join('   ')}\n`);
};

async function openEmbedded(): Promise<Registry> {
  const {log} = openLogSink();
  const snapshotFile = openSnapshotFile({files: createMemoryFiles().files, clock, log}, '/data');
  return openRegistry({
    clock,
    log,
    store: createEmbeddedStore({clock, log}),
    table: createTable({ttlMs: TTL_MS, ownApp: 'haproxy', maxMembers: 20_000, maxPayloadBytes: 1 << 20}),
    snapshotFile,
    snapshot: await snapshotFile.load(),
  });
}

async function revisionOf(etcd: EtcdCluster): Promise<number> {
  const {header} = await etcd.ask('/kv/range', {key: 'eA=='});
  return Number((header as {revision: string}).revision);
}

const perSecond = (durationMs: number): string => `${Math.round((1000 * PODS) / durationMs)} pings/s`;

async function benchEtcd(count: number): Promise<void> {
  await using etcd = await startEtcd({nodes: 3});
  await using replicas = new AsyncDisposableStack();
  const registries: Registry[] = [];
  for (let index = 0; index < count; index++) {
    registries.push(replicas.use(await openReplica({...etcd, ttlMs: TTL_MS})).registry);
  }
  const registeredMs = await register(registries);
  // Most of a burst share leases at first; the steady state begins when each pod has its own.
  const isSteady = async () => {
    const revision = await revisionOf(etcd);
    for (const [index, ping] of pods.entries()) registries[index % count]?.record(ping);
    await sleep(1000);
    return (await revisionOf(etcd)) === revision;
  };
  await waitFor(isSteady, 'a steady state', {timeoutMs: 90_000});
  const before = await revisionOf(etcd);
  const costUs = hear(registries);
  await sleep(2000);
  const writes = (await revisionOf(etcd)) - before;
  report(`etcd, ${count} replica${count > 1 ? 's' : ''}`, {
    registered: perSecond(registeredMs),
    'a ping without news': `${costUs.toFixed(2)} us`,
    'writes per such ping': (writes / (ROUNDS * PODS)).toFixed(4),
  });
}

const embedded = await openEmbedded();
report('embedded', {
  registered: perSecond(await register([embedded])),
  'a ping without news': `${hear([embedded]).toFixed(2)} us`,
});
await embedded.close();
await benchEtcd(1);
await benchEtcd(3);
