import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createEmbeddedStore} from '../../../src/members/embedded-store.ts';
import {openRegistry} from '../../../src/members/registry.ts';
import {openSnapshotFile} from '../../../src/members/snapshot-file.ts';
import {createTable} from '../../../src/members/table.ts';
import {systemClock as clock} from '../../../src/ports/clock.ts';
import {openDoor} from '../../support/door.ts';
import {startEtcd} from '../../support/etcd.ts';
import {missing} from '../../support/parts.ts';
import {waitFor} from '../../support/wait.ts';
import {createMemoryFiles, openLogSink, pingOf} from '../fixtures.ts';
import {createLeapingClock, KEYS, openReplica, seeSame, type TestReplica} from './replicas.ts';

const A = {ip: '10.0.0.1', id: 'a'};
const B = {ip: '10.0.0.2', id: 'b'};
const C = {ip: '10.0.0.3', id: 'c'};

/** etcd's least lease with the tests' election timeout, and a little: pods that ping this often stay. */
const SHORT_TTL_MS = 2000;

const podsOf = (count: number) =>
  Array.from({length: count}, (_, index) => ({ip: `10.1.${index >> 8}.${index & 255}`, id: `pod-${index}`}));

/** Pings now and then on, each time at the next replica in turn. */
const pingForever = (replicas: readonly TestReplica[], pods: readonly (typeof A)[], everyMs: number): Disposable => {
  let turn = 0;
  const ping = () => {
    turn += 1;
    for (const [index, pod] of pods.entries()) replicas[(turn + index) % replicas.length]?.ping(pod);
  };
  ping();
  const timer = setInterval(ping, everyMs);
  return {[Symbol.dispose]: () => clearInterval(timer)};
};

const keyOf = ({ip}: typeof A) => `/kontrol/default/lb/members/${ip}`;

/** An embedded master on the same data folder. */
async function openEmbedded(memory: ReturnType<typeof createMemoryFiles>) {
  const {log} = openLogSink();
  const snapshotFile = openSnapshotFile({files: memory.files, clock, log}, '/data');
  const snapshot = await snapshotFile.load();
  const store = createEmbeddedStore({clock, log});
  const table = createTable({ttlMs: 25_000, ownApp: 'haproxy', maxMembers: 100, maxPayloadBytes: 1 << 20});
  return openRegistry({clock, log, store, table, snapshotFile, snapshot});
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

  test('silence -> gone everywhere; pings that move between replicas -> never missing', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica({...etcd, ttlMs: SHORT_TTL_MS});
    await using second = await openReplica({...etcd, ttlMs: SHORT_TTL_MS});
    for (const pod of [A, B, C]) first.ping(pod);
    await seeSame([first, second], [A.ip, B.ip, C.ip]);
    using _pings = pingForever([second, first], [A, B], 0.5 * SHORT_TTL_MS);
    await seeSame([first, second], [A.ip, B.ip]);
    for (const {sink, registry} of [first, second]) {
      const expired = sink.said('member expired').map(({ip}) => ip);
      assert.deepEqual(expired, [C.ip]);
      assert.deepEqual(
        registry.members().map(({seq}) => seq),
        [1, 2],
      );
    }
  });

  for (const [moment, isMissed] of [
    ['as its lease is about to end', false],
    ['once etcd has ended its lease', false],
    ['once it has left everywhere', true],
  ] as const) {
    test(`a late ping, ${moment} -> in everywhere, ${isMissed ? 'as a new one' : 'never missing'}`, async () => {
      await using etcd = await startEtcd({nodes: 1});
      // A busy machine may take a while to send the ping.
      const settings = {...etcd, ttlMs: SHORT_TTL_MS, ...(!isMissed && {confirmMs: 10_000})};
      await using first = await openReplica(settings);
      await using second = await openReplica(settings);
      using _others = pingForever([first], [B], 500);
      await seeSame([first, second], [B.ip]);
      first.ping(A);
      await seeSame([first, second], [B.ip, A.ip]);
      const lease = await etcd.lease(keyOf(A));
      if (isMissed) await seeSame([first, second], [B.ip]);
      else if (moment.startsWith('once')) await waitFor(async () => (await etcd.remaining(lease)) < 0, 'its end');
      else await waitFor(async () => (await etcd.remaining(lease)) <= 0, 'its last second');
      second.ping(A);
      await seeSame([first, second], [B.ip, A.ip]);
      await waitFor(async () => (await etcd.keys(keyOf(A))).length === 1, 'the pod in etcd');
      // A pod that pings on is told apart from one that is only remembered.
      using _pings = pingForever([second], [A], 500);
      await waitFor(async () => second.renewals > 3, 'renewals');
      assert.deepEqual(
        [first.ips(), second.ips()],
        [
          [B.ip, A.ip],
          [B.ip, A.ip],
        ],
      );
      const expired = [first, second].map(({sink}) => sink.said('member expired').length);
      assert.deepEqual(expired, isMissed ? [1, 1] : [0, 0]);
    });
  }

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
    await etcd.compact();
    door.open();
    await seeSame([first, cutOff], [B.ip, C.ip]);
    await waitFor(() => cutOff.store.healthy() && cutOff.store.refusal() === undefined, 'a healthy store');
  });

  for (const [who, holds] of [
    ['another replica was there', 0],
    ['nobody was there', 1],
  ] as const) {
    test(`cut off while a pod leaves and its key ends, and ${who} -> ${holds === 0 ? 'it leaves' : 'it gets another TTL'}`, async () => {
      await using etcd = await startEtcd({nodes: 1});
      await using door = await openDoor(etcd.nodes[0]?.port ?? 0);
      const settings = {endpoints: `http://127.0.0.1:${door.port}`, ttlMs: SHORT_TTL_MS, confirmMs: 300};
      if (holds === 0) await etcd.put(`${KEYS.replicasOf('other')}1`, '');
      await etcd.put(`${KEYS.replicasOf('own')}1`, '');
      await using first = await openReplica({...etcd, ttlMs: SHORT_TTL_MS});
      await using cutOff = await openReplica(settings);
      using _others = pingForever([first], [B], 500);
      await seeSame([first, cutOff], [B.ip]);
      first.ping(A);
      await seeSame([first, cutOff], [B.ip, A.ip]);
      door.shut();
      cutOff.store.lostReplica();
      first.ping({...A, down: true});
      await waitFor(async () => (await etcd.keys(keyOf(A))).length === 0, 'the end of the tombstone');
      await etcd.compact();
      await etcd.put(`${KEYS.replicasOf('late')}1`, '');
      door.open();
      await seeSame([first, cutOff], [B.ip]);
      assert.equal(first.sink.said('member joined').filter(({ip}) => ip === A.ip).length, 1 + holds);
    });
  }

  test('etcd away for longer than a TTL -> nobody is missing, ever; goodbyes and joins meanwhile are told', async () => {
    await using etcd = await startEtcd({nodes: 3});
    const clock = createLeapingClock();
    await using first = await openReplica({...etcd, ttlMs: SHORT_TTL_MS, clock});
    await using second = await openReplica({...etcd, ttlMs: SHORT_TTL_MS, clock});
    const silent = {ip: '10.0.0.4', id: 'd'};
    using _first = pingForever([second], [A], 700);
    await seeSame([first, second], [A.ip]);
    using _second = pingForever([second], [B], 700);
    await seeSame([first, second], [A.ip, B.ip]);
    first.ping(silent);
    await seeSame([first, second], [A.ip, B.ip, silent.ip]);
    for (const node of etcd.nodes) await node.kill();
    await waitFor(() => [first, second].every(({store}) => store.refusal() !== undefined), 'refusals');
    clock.leap(2 * SHORT_TTL_MS);
    using _joined = pingForever([second], [C], 700);
    await waitFor(() => second.ips().length === 4, 'one that joined');
    for (const replica of [first, second]) assert.deepEqual(replica.ips().slice(0, 3), [A.ip, B.ip, silent.ip]);
    for (const node of etcd.nodes) node.start();
    // The one that stays silent leaves: whoever else was to leave would have left before.
    await seeSame([first, second], [A.ip, B.ip, C.ip]);
    for (const {sink} of [first, second]) {
      const expired = sink.said('member expired').map(({ip}) => ip);
      assert.deepEqual(expired, [silent.ip]);
    }
  });

  test('a key that holds no member -> left alone, until its pod pings: then the pod is in everywhere', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica(etcd);
    await using second = await openReplica(etcd);
    first.ping(B);
    await seeSame([first, second], [B.ip]);
    for (const pod of [A, B]) await etcd.put(keyOf(pod), 'a foreign text');
    await waitFor(() => second.sink.said('holds no member').length === 2, 'two warnings');
    first.ping(A);
    await seeSame([first, second], [B.ip, A.ip]);
    const before = await etcd.revision();
    await second.registry.close();
    await using third = await openReplica(etcd);
    await seeSame([third], [B.ip, A.ip]);
    assert.equal(await etcd.revision(), before, 'nothing is tried again and again');
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
    assert.deepEqual(
      shared.changes.map(({cause}) => cause),
      [`restored web ${B.ip} and 1 more`, `joined web ${C.ip}`],
    );
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

  test('pings that say nothing new, at any replica -> nothing is written', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica(etcd);
    await using second = await openReplica(etcd);
    const pods = podsOf(60);
    for (const pod of pods) {
      first.ping(pod);
      await waitFor(() => second.ips().includes(pod.ip), `${pod.ip} at the other one`);
    }
    const before = await etcd.revision();
    for (const replica of [second, first, second]) {
      const renewed = replica.renewals;
      for (const pod of pods) assert.equal(replica.ping(pod), 'refreshed');
      await waitFor(() => replica.renewals >= renewed + pods.length, 'renewals');
    }
    assert.equal(await etcd.revision(), before);
  });
});
