import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {createEmbeddedStore, createSeqCounter} from '../../../src/members/embedded-store.ts';
import {openRegistry} from '../../../src/members/registry.ts';
import {openSnapshotFile} from '../../../src/members/snapshot-file.ts';
import {createTable} from '../../../src/members/table.ts';
import {systemClock as clock} from '../../../src/ports/clock.ts';
import {openDoor} from '../../support/door.ts';
import {startEtcd} from '../../support/etcd.ts';
import {missing} from '../../support/parts.ts';
import {waitFor} from '../../support/wait.ts';
import {createMemoryFiles, openLogSink, pingOf} from '../fixtures.ts';
import {openReplica, seeSame, type TestReplica} from './replicas.ts';

const A = {ip: '10.0.0.1', id: 'a'};
const B = {ip: '10.0.0.2', id: 'b'};
const C = {ip: '10.0.0.3', id: 'c'};

/** etcd's least lease with the tests' election timeout, and a little: pods that ping this often stay. */
const SHORT_TTL_MS = 2000;

const base64 = (text: string) => Buffer.from(text).toString('base64');

const podsOf = (count: number) =>
  Array.from({length: count}, (_, index) => ({ip: `10.1.${index >> 8}.${index & 255}`, id: `pod-${index}`}));

const pingForever = (replica: TestReplica, pods: readonly (typeof A)[], everyMs: number): Disposable => {
  const timer = setInterval(() => pods.map(pod => replica.ping(pod)), everyMs);
  return {[Symbol.dispose]: () => clearInterval(timer)};
};

/** An embedded master on the same data folder. */
async function openEmbedded(memory: ReturnType<typeof createMemoryFiles>) {
  const {log} = openLogSink();
  const snapshotFile = openSnapshotFile({files: memory.files, clock, log}, '/data');
  const snapshot = await snapshotFile.load();
  const store = createEmbeddedStore({clock, log, source: createSeqCounter(snapshot.seq)});
  const table = createTable({ttlMs: 25_000, ownApp: 'haproxy', maxMembers: 100, maxPayloadBytes: 1 << 20});
  return openRegistry({clock, log, store, table, snapshotFile, snapshot, onChange: () => {}});
}

describe('etcd store', {skip: missing('etcd'), timeout: 120_000}, () => {
  test('pings at two replicas -> the same members in the same order at both; down removes at both', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica(etcd);
    await using second = await openReplica(etcd);
    first.ping(B);
    await seeSame([first, second], [B.ip]);
    second.ping(A);
    await seeSame([first, second], [B.ip, A.ip]);
    assert.deepEqual(
      first.registry.members().map(({seq}) => seq),
      [1, 2],
    );
    assert.equal(second.ping(B), 'refreshed');
    second.ping({...B, payload: {weight: 3}});
    await waitFor(() => first.registry.members().some(({payload}) => payload !== ''), 'the payload at the other one');
    second.ping({...B, payload: {weight: 3}, down: true});
    await seeSame([first, second], [A.ip]);
    first.ping(B);
    await seeSame([first, second], [A.ip, B.ip]);
    assert.ok(first.store.healthy() && first.store.refusal() === undefined);
    await using third = await openReplica(etcd);
    await seeSame([third], [A.ip, B.ip]);
  });

  test('silence -> gone everywhere; pings that move between replicas -> never missing; a late one -> back', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica({...etcd, ttlMs: SHORT_TTL_MS});
    await using second = await openReplica({...etcd, ttlMs: SHORT_TTL_MS});
    for (const pod of [A, B, C]) first.ping(pod);
    await seeSame([first, second], [A.ip, B.ip, C.ip]);
    for (let round = 0; round < 5; round++) {
      await sleep(0.5 * SHORT_TTL_MS);
      const [hearing, other] = round % 2 === 0 ? [second, first] : [first, second];
      hearing.ping(A);
      other.ping(B);
      for (const replica of [first, second])
        assert.deepEqual(replica.ips().slice(0, 2), [A.ip, B.ip], `round ${round}`);
    }
    await seeSame([first, second], [A.ip, B.ip]);
    assert.equal(second.sink.said('member expired').length, 1);
    // Around the end of its lease a pod is heard once more: whichever is first, it is in everywhere in the end.
    for (let lateMs = -300; lateMs <= 900; lateMs += 300) {
      using _others = pingForever(first, [B], 500);
      second.ping(A);
      await sleep(SHORT_TTL_MS + lateMs);
      second.ping(A);
      await waitFor(
        () => [first, second].every(replica => replica.ips().length === 2 && replica.ips().includes(A.ip)),
        `${A.ip} at both, ${lateMs} ms late`,
      );
    }
  });

  test('cut off while the history is compacted -> pings recorded, refused after a while, then the same again', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using door = await openDoor(etcd.nodes[0]?.port ?? 0);
    await using first = await openReplica(etcd);
    await using cutOff = await openReplica({endpoints: `http://127.0.0.1:${door.port}`});
    first.ping(A);
    first.ping(B);
    await seeSame([first, cutOff], [A.ip, B.ip]);
    door.shut();
    first.ping({...A, down: true});
    assert.equal(cutOff.ping(C), 'joined');
    await waitFor(() => cutOff.store.refusal() !== undefined, 'a refusal');
    assert.deepEqual([cutOff.ips(), cutOff.store.healthy()], [[A.ip, B.ip, C.ip], false]);
    const {header} = await etcd.ask('/kv/put', {key: base64('other'), value: ''});
    const {revision} = header as {revision: string};
    await etcd.ask('/kv/compaction', {revision, physical: true});
    door.open();
    await seeSame([first, cutOff], [B.ip, C.ip]);
    await waitFor(() => cutOff.store.healthy() && cutOff.store.refusal() === undefined, 'a healthy store');
  });

  test('etcd away for longer than a TTL -> nobody is missing, ever; goodbyes and joins meanwhile are told', async () => {
    await using etcd = await startEtcd({nodes: 3});
    await using first = await openReplica({...etcd, ttlMs: SHORT_TTL_MS});
    await using second = await openReplica({...etcd, ttlMs: SHORT_TTL_MS});
    for (const pod of [A, B]) first.ping(pod);
    await seeSame([first, second], [A.ip, B.ip]);
    using _pings = pingForever(second, [A, B], 700);
    for (const node of etcd.nodes) await node.kill();
    await waitFor(() => [first, second].every(({store}) => store.refusal() !== undefined), 'refusals');
    await sleep(2 * SHORT_TTL_MS);
    using _joined = pingForever(second, [C], 700);
    for (const replica of [first, second]) assert.deepEqual(replica.ips().slice(0, 2), [A.ip, B.ip]);
    for (const node of etcd.nodes) node.start();
    const missed = waitFor(
      () => [first, second].some(({ips}) => !ips().includes(A.ip) || !ips().includes(B.ip)),
      'one missing',
      {
        timeoutMs: 2 * SHORT_TTL_MS,
      },
    );
    await seeSame([first, second], [A.ip, B.ip, C.ip]);
    await assert.rejects(missed, /cannot see/);
  });

  test('etcd lost all it knew -> the replicas write it back, nobody is missing, no number is given twice', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica(etcd);
    await using second = await openReplica(etcd);
    for (const pod of [B, A]) first.ping(pod);
    await seeSame([first, second], [B.ip, A.ip]);
    const before = [first.changes.length, second.changes.length];
    await etcd.forget();
    for (const node of etcd.nodes) node.start();
    await etcd.settle();
    await waitFor(() => first.store.healthy() && second.store.healthy(), 'healthy stores');
    await using third = await openReplica(etcd);
    await seeSame([first, second, third], [B.ip, A.ip]);
    assert.deepEqual([first.changes.length, second.changes.length], before);
    third.ping(C);
    await seeSame([first, second, third], [B.ip, A.ip, C.ip]);
    assert.equal(third.registry.members().at(-1)?.seq, 3);
  });

  test('from the embedded store to etcd and back -> the same members in the same order, numbers go on', async () => {
    await using etcd = await startEtcd({nodes: 1});
    const memory = createMemoryFiles();
    const before = await openEmbedded(memory);
    for (const pod of [B, A]) before.record(pingOf(pod));
    await before.close();
    const shared = await openReplica({...etcd, memory});
    assert.deepEqual(shared.ips(), [B.ip, A.ip]);
    await using other = await openReplica(etcd);
    await seeSame([shared, other], [B.ip, A.ip]);
    other.ping(C);
    await seeSame([shared, other], [B.ip, A.ip, C.ip]);
    assert.equal(other.registry.members().at(-1)?.seq, 3);
    assert.equal(shared.changes.length, 1);
    await shared.close();
    const after = await openEmbedded(memory);
    assert.deepEqual(
      after.members().map(({ip, seq}) => [ip, seq]),
      [
        [B.ip, 1],
        [A.ip, 2],
        [C.ip, 3],
      ],
    );
    await after.close();
  });

  test('started while etcd is away -> serves what it remembers; a member that left meanwhile goes once etcd says so', async () => {
    await using etcd = await startEtcd({nodes: 1});
    const memory = createMemoryFiles();
    const first = await openReplica({...etcd, memory});
    await using other = await openReplica(etcd);
    for (const pod of [A, B]) first.ping(pod);
    await seeSame([first, other], [A.ip, B.ip]);
    await first.close();
    other.ping({...A, down: true});
    await seeSame([other], [B.ip]);
    await etcd.nodes[0]?.kill();
    await using again = await openReplica({...etcd, memory});
    assert.deepEqual([again.ips(), again.store.healthy()], [[A.ip, B.ip], false]);
    etcd.nodes[0]?.start();
    await seeSame([again, other], [B.ip]);
  });

  test('5,000 pods at three replicas -> the same order everywhere, and all still there after their next pings', async t => {
    await using etcd = await startEtcd({nodes: 3});
    await using first = await openReplica(etcd);
    await using second = await openReplica(etcd);
    await using third = await openReplica(etcd);
    const replicas = [first, second, third];
    const pods = podsOf(5000);
    const startedMs = performance.now();
    for (const [index, pod] of pods.entries()) replicas[index % 3]?.ping(pod);
    const isSettled = ({registry}: TestReplica) =>
      registry.size === pods.length && registry.members().every(({seq}) => seq !== undefined);
    await waitFor(() => replicas.every(isSettled), '5,000 members everywhere', {timeoutMs: 60_000});
    await seeSame([second, third], first.ips());
    t.diagnostic(`registered everywhere after ${Math.round(performance.now() - startedMs)} ms`);
    const order = first.ips();
    for (const [index, pod] of pods.entries()) replicas[(index + 1) % 3]?.ping(pod);
    await sleep(3000);
    await seeSame(replicas, order);
  });

  test('pings that say nothing new, at any replica -> nothing is written', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica(etcd);
    await using second = await openReplica(etcd);
    const pods = podsOf(60);
    for (const pod of pods) {
      first.ping(pod);
      await waitFor(() => second.ips().includes(pod.ip), `${pod.ip} at the other one`);
    }
    const revisionOf = async () => {
      const {header} = await etcd.ask('/kv/range', {key: base64('x')});
      return (header as {revision: string}).revision;
    };
    const before = await revisionOf();
    for (const replica of [second, first, second]) {
      for (const pod of pods) assert.equal(replica.ping(pod), 'refreshed');
      await sleep(300);
    }
    assert.equal(await revisionOf(), before);
  });
});
