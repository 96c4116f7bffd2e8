import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createEmbeddedStore} from '../../src/members/embedded-store.ts';
import type {Member, Ping} from '../../src/members/member.ts';
import type {MemberChange} from '../../src/members/member-change.ts';
import type {MemberEvent} from '../../src/members/member-event.ts';
import {openRegistry} from '../../src/members/registry.ts';
import {decodeSnapshot, encodeSnapshot} from '../../src/members/snapshot.ts';
import {openSnapshotFile} from '../../src/members/snapshot-file.ts';
import type {Store} from '../../src/members/store.ts';
import {createTable} from '../../src/members/table.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';
import {createMemoryFiles, INFO, memberOf, openLogSink, pingOf, WARN} from './fixtures.ts';

const PATH = '/data/members.json';

interface Options {
  readonly store?: Store;
  readonly texts?: Record<string, string>;
  readonly maxMembers?: number;
  readonly follows?: boolean;
  /** Whether pings can reach it; absent: they can. */
  readonly listens?: boolean;
}

async function open(options: Options = {}) {
  const clock = createFakeClock();
  const memory = createMemoryFiles(options.texts);
  const sink = openLogSink();
  const changes: MemberChange[] = [];
  const snapshotFile = openSnapshotFile({files: memory.files, clock, log: sink.log}, '/data');
  const snapshot = await snapshotFile.load();
  const registry = openRegistry({
    clock,
    log: sink.log,
    store: options.store ?? createEmbeddedStore({clock, log: sink.log}),
    table: createTable({
      ttlMs: 25_000,
      ownApp: 'haproxy',
      maxMembers: options.maxMembers ?? 100,
      maxPayloadBytes: 1 << 20,
    }),
    snapshotFile,
    snapshot,
  });
  if (options.listens !== false) registry.listening();
  if (options.follows !== false) registry.follow(change => changes.push(change));
  const causes = () => [...new Set(changes.map(change => change.cause))];
  const ping = (changed: Partial<Ping> = {}) => registry.record(pingOf(changed));
  const onDisk = () => decodeSnapshot(memory.contents.get(PATH) ?? '', clock.epochMs());
  return {clock, memory, sink, registry, changes, causes, ping, onDisk};
}

/** A store that numbers each stay when the test says so, as etcd does when it has answered. */
function createSlowStore() {
  const stays: {settle(seq: number): void}[] = [];
  const store: Store = {
    kind: 'etcd',
    healthy: () => true,
    awayMs: () => 0,
    refusal: () => undefined,
    loaded: async () => {},
    remembers: () => false,
    keep: ({table, seq: mark, onEvents}) => ({
      listening() {},
      heard({ip}, outcome) {
        if (outcome.is !== 'joined') return;
        stays.push({
          settle(seq) {
            mark.saw(seq);
            if (table.settle(ip, outcome.arrival, seq)) onEvents([{is: 'settled', member: {...outcome.member, seq}}]);
          },
        });
      },
      async close() {},
    }),
  };
  return {store, stays};
}

const A = {ip: '10.0.0.1', id: 'a'};
const B = {ip: '10.0.0.2', id: 'b'};
const ipsOf = (members: readonly Member[]) => members.map(member => member.ip);

describe('a stay', () => {
  test('join, change, replacement, down -> a change with its cause each, an info line for each but the change', async () => {
    const {registry, clock, ping, causes, sink, changes} = await open();
    for (const changed of [{}, {payload: 1}, {id: 'web-2'}, {id: 'web-2', down: true}]) {
      ping(changed);
      await clock.advance(100);
    }
    const pod = 'web 10.2.0.17';
    assert.deepEqual(causes(), [`joined ${pod}`, `changed ${pod}`, `replaced ${pod}`, `left ${pod}`]);
    assert.equal(changes.at(-1)?.version, registry.version);
    const lines = sink.lines.filter(line => line.level >= INFO);
    assert.deepEqual(
      lines.map(line => line.msg),
      ['member joined', 'member replaced', 'member left'],
    );
    const [{app, ip, member} = assert.fail()] = lines;
    assert.deepEqual({app, ip, member}, {app: 'web', ip: '10.2.0.17', member: 'web-1'});
  });

  test('pings without news -> no change, no line', async () => {
    const {clock, ping, changes, sink} = await open();
    ping();
    await clock.advance(100);
    const before = [changes.length, sink.lines.length];
    for (let i = 0; i < 10; i++) ping();
    assert.deepEqual([changes.length, sink.lines.length], before);
  });

  test('key of another address -> taken, told once at debug; of its own -> not a word', async () => {
    const {ping, sink} = await open();
    assert.equal(ping({key: 'zzz'}).is, 'joined');
    assert.equal(sink.said('key does not belong').length, 1);
    ping({key: 'zzz'});
    assert.equal(ping({ip: '10.2.3.41', key: 'bmvvH'}).is, 'joined');
    const lines = sink.said('key does not belong');
    assert.deepEqual([lines.length, lines[0]?.ip], [1, '10.2.0.17']);
    assert.ok((lines[0]?.level ?? WARN) < INFO);
  });

  test('two ids in turns on one IP -> one warning', async () => {
    const {ping, sink, registry} = await open();
    for (let i = 0; i < 10; i++) for (const id of ['a', 'b']) ping({id, payload: `${id} ${i}`});
    assert.equal(sink.said('several pods ping from one IP').length, 1);
    assert.equal(registry.size, 1);
  });

  test('two ids in turns on one IP that left meanwhile -> warned of anew', async () => {
    const {ping, sink, clock} = await open();
    const alternate = () => {
      for (let i = 0; i < 3; i++) for (const id of ['a', 'b']) ping({id});
    };
    alternate();
    ping({id: 'b', down: true});
    await clock.advance(60_000);
    alternate();
    assert.equal(sink.said('several pods ping from one IP').length, 2);
  });

  test('table full, hammered -> refused, one warning a minute', async () => {
    const {ping, sink, clock} = await open({maxMembers: 1});
    ping(A);
    for (let second = 0; second < 59; second++) {
      ping(A);
      assert.equal(ping(B).is, 'refused');
      await clock.advance(1000);
    }
    await clock.advance(999);
    ping(B);
    assert.equal(sink.said('pings refused').length, 1);
    await clock.advance(1);
    ping(A);
    ping(B);
    const [, {reason, bound, members} = assert.fail()] = sink.said('pings refused');
    assert.deepEqual([reason, bound, members], ['members', 1, 1]);
    ping(B);
    assert.equal(sink.said('pings refused').length, 2);
  });

  test('down of nobody, a replacement -> told with what helps to see why', async () => {
    const {ping, sink} = await open();
    ping({down: true});
    const [{level, reason} = assert.fail()] = sink.said('down ignored');
    assert.deepEqual([level < INFO, reason], [true, 'absent']);
    ping({id: 'old'});
    ping({id: 'new'});
    const [{member, from} = assert.fail()] = sink.said('member replaced');
    assert.deepEqual([member, from], ['new', 'old']);
  });
});

const wordOf = (event: MemberEvent): string =>
  [event.is, event.is === 'left' ? event.why : '', event.member.id].filter(word => word !== '').join(' ');

describe('follower', () => {
  test('attached late -> told at once, in order, what happened before; then what happens', async () => {
    const text = encodeSnapshot({seq: 9, members: [memberOf({...A, seq: 4})]}, createFakeClock().epochMs());
    const {registry, clock, ping, changes} = await open({texts: {[PATH]: text}, follows: false});
    const openedAt = clock.epochMs();
    await clock.advance(1000);
    ping(B);
    await clock.advance(0);
    ping({...B, down: true});
    assert.equal(changes.length, 0);
    registry.follow(change => changes.push(change));
    const words = () => changes.flatMap(({events}) => events.map(wordOf));
    assert.deepEqual(words(), ['restored a', 'joined b', 'left down b']);
    assert.deepEqual(
      changes.map(({cause, at}) => [cause, at - openedAt]),
      [
        ['restored web 10.0.0.1', 0],
        ['joined web 10.0.0.2', 1000],
        ['left web 10.0.0.2', 1000],
      ],
    );
    ping({...A, nonce: 'again'});
    assert.equal(words().at(-1), 'replaced a');
    assert.equal(changes.at(-1)?.version, registry.version);
  });

  test('pods evicted -> one change that says who and why, an info line each, gone from the snapshot too', async () => {
    const {registry, clock, ping, changes, sink, onDisk} = await open();
    for (const pod of [A, B, {}]) ping(pod);
    await clock.advance(1000);
    const before = changes.length;
    registry.evict(({ip}) => (ip === '10.2.0.17' ? undefined : 'its pod is gone'));
    assert.deepEqual(
      changes.slice(before).map(({cause, events}) => [cause, ...events.map(wordOf)]),
      [['evicted web 10.0.0.1 and 1 more', 'left evicted a', 'left evicted b']],
    );
    const [event] = changes.at(-1)?.events ?? [];
    assert.ok(event?.is === 'left' && event.why === 'evicted' && event.reason === 'its pod is gone');
    assert.deepEqual(
      sink.said('member evicted').map(({level, ip, reason}) => [level, ip, reason]),
      [
        [INFO, '10.0.0.1', 'its pod is gone'],
        [INFO, '10.0.0.2', 'its pod is gone'],
      ],
    );
    await clock.advance(1000);
    const decoded = onDisk();
    assert.ok(decoded.is === 'fresh');
    assert.deepEqual(ipsOf(decoded.snapshot.members), ['10.2.0.17']);
    registry.evict(() => undefined);
    assert.equal(changes.length, before + 1);
    registry.evict(() => 'its node is gone');
    assert.deepEqual(
      changes.slice(before + 1).map(({cause}) => cause),
      ['evicted web 10.2.0.17'],
    );
  });
});

describe('time', () => {
  test('old fault 6, silence -> expired within a second of the TTL, with cause', async () => {
    const {registry, clock, ping, causes} = await open();
    await clock.advance(333);
    for (const pod of [A, B, {}]) ping(pod);
    await clock.advance(10_000);
    ping();
    await clock.advance(14_999);
    assert.equal(registry.size, 3);
    await clock.advance(1001);
    assert.deepEqual(ipsOf(registry.members()), ['10.2.0.17']);
    assert.equal(causes().at(-1), 'expired web 10.0.0.1 and 1 more');
  });

  test('process stopped for an hour -> nobody expires before a fresh TTL; told once', async () => {
    const {registry, clock, ping, sink} = await open();
    ping(A);
    ping(B);
    await clock.advance(20_000);
    clock.pause(3_600_000);
    await clock.advance(20_000);
    ping(A);
    assert.equal(registry.size, 2);
    await clock.advance(6000);
    assert.deepEqual(ipsOf(registry.members()), ['10.0.0.1']);
    assert.equal(sink.said('fresh TTL').length, 1);
  });

  test('machine suspended, or wall clock set forward -> a fresh TTL as well', async () => {
    const {registry, clock, ping} = await open();
    ping();
    await clock.advance(20_000);
    clock.stepEpoch(3_600_000);
    await clock.advance(20_000);
    assert.equal(registry.size, 1);
    await clock.advance(7000);
    assert.equal(registry.size, 0);
  });

  test('wall clock set back -> no one stays longer or shorter', async () => {
    const {registry, clock, ping} = await open();
    ping();
    await clock.advance(20_000);
    clock.stepEpoch(-3_600_000);
    await clock.advance(4500);
    assert.equal(registry.size, 1);
    await clock.advance(1500);
    assert.equal(registry.size, 0);
  });
});

describe('store', () => {
  test('slow store -> members served at once, last in order until settled', async () => {
    const {store, stays} = createSlowStore();
    const {registry, clock, ping, onDisk, changes} = await open({store});
    ping(A);
    ping(B);
    assert.deepEqual([...registry.hosts()], [['web', ['10.0.0.1', '10.0.0.2']]]);
    stays[1]?.settle(7);
    await clock.advance(1000);
    assert.deepEqual([...registry.hosts()], [['web', ['10.0.0.2', '10.0.0.1']]]);
    assert.deepEqual(changes.at(-1)?.events.map(wordOf), ['settled b']);
    const decoded = onDisk();
    assert.ok(decoded.is === 'fresh' && decoded.snapshot.seq === 7 && decoded.snapshot.isShared === true);
    assert.deepEqual(
      decoded.snapshot.members.map(member => member.seq),
      [7, undefined],
    );
  });

  test('seq that arrives after its pod left -> not given, but never given again after a restart', async () => {
    const {store, stays} = createSlowStore();
    const {registry, clock, ping, onDisk, memory} = await open({store});
    ping(A);
    ping({...A, down: true});
    ping(A);
    stays[0]?.settle(5);
    await clock.advance(1000);
    assert.equal(registry.members()[0]?.seq, undefined);
    const decoded = onDisk();
    assert.ok(decoded.is === 'fresh' && decoded.snapshot.seq === 5);
    const next = await open({texts: Object.fromEntries(memory.contents)});
    assert.deepEqual(
      next.registry.members().map(({seq}) => seq),
      [6],
    );
  });

  test('a master alone -> numbered as it joins; again only for a new stay', async () => {
    const {registry, ping} = await open();
    const seqs = () => registry.members().map(({ip, seq}) => [ip, seq]);
    ping(A);
    ping(B);
    for (let i = 0; i < 3; i++) ping({...A, payload: i});
    assert.deepEqual(seqs(), [
      ['10.0.0.1', 1],
      ['10.0.0.2', 2],
    ]);
    ping({...A, nonce: 'again'});
    ping({...A, nonce: undefined});
    assert.deepEqual(seqs(), [
      ['10.0.0.2', 2],
      ['10.0.0.1', 3],
    ]);
  });
});

describe('restart', () => {
  test('snapshot of a minute ago -> served at once in the old order; the silent expire after a fresh TTL', async () => {
    const members = [memberOf({...A, seq: 4}), memberOf({...B, seq: 2})];
    const text = encodeSnapshot({seq: 9, members}, createFakeClock().epochMs() - 60_000);
    const {registry, clock, ping} = await open({texts: {[PATH]: text}});
    assert.equal(registry.restored, true);
    assert.deepEqual([...registry.hosts()], [['web', ['10.0.0.2', '10.0.0.1']]]);
    await clock.advance(20_000);
    ping(A);
    ping({});
    await clock.advance(6000);
    assert.deepEqual(
      registry.members().map(member => [member.ip, member.seq]),
      [
        ['10.0.0.1', 4],
        ['10.2.0.17', 10],
      ],
    );
  });

  test('a start that takes longer than a TTL -> nobody is taken for silent before pings can arrive', async () => {
    const text = encodeSnapshot({seq: 9, members: [memberOf(A)]}, createFakeClock().epochMs());
    const {registry, clock} = await open({texts: {[PATH]: text}, listens: false});
    await clock.advance(60_000);
    assert.equal(registry.size, 1);
    registry.listening();
    await clock.advance(20_000);
    assert.equal(registry.size, 1);
    await clock.advance(6000);
    assert.equal(registry.size, 0);
  });

  test('snapshot without a host -> its seq is kept, but nobody is restored', async () => {
    const members = [memberOf({...A, app: 'haproxy', seq: 4})];
    const text = encodeSnapshot({seq: 9, members}, createFakeClock().epochMs() - 1000);
    const {registry, clock, ping} = await open({texts: {[PATH]: text}});
    assert.equal(registry.restored, false);
    ping(B);
    await clock.advance(0);
    assert.deepEqual(
      registry.members().map(member => member.seq),
      [4, 10],
    );
  });

  test('snapshot of a master that knew nobody -> nothing is told', async () => {
    const text = encodeSnapshot({seq: 9, members: []}, createFakeClock().epochMs());
    const {registry, changes, sink} = await open({texts: {[PATH]: text}});
    assert.deepEqual([registry.restored, changes.length], [false, 0]);
    assert.equal(sink.said('members restored')[0]?.members, 0);
  });

  test('provisional member in the snapshot -> gets a seq', async () => {
    const text = encodeSnapshot({seq: 9, members: [memberOf({seq: undefined})]}, createFakeClock().epochMs());
    const {registry, clock} = await open({texts: {[PATH]: text}});
    await clock.advance(1);
    assert.equal(registry.members()[0]?.seq, 10);
  });

  test('closed, opened again -> the same members and seq', async () => {
    const first = await open();
    first.ping(A);
    first.ping(B);
    await first.clock.advance(1);
    await first.registry.close();
    const second = await open({texts: Object.fromEntries(first.memory.contents)});
    assert.deepEqual(
      second.registry.members().map(({ip, seq, firstSeenAt}) => [ip, seq, firstSeenAt]),
      first.registry.members().map(({ip, seq, firstSeenAt}) => [ip, seq, firstSeenAt]),
    );
  });

  test('full disk -> pings are taken as ever; the snapshot follows once there is room', async () => {
    const {memory, clock, ping, sink, registry, onDisk} = await open();
    memory.failWith(systemError('ENOSPC'));
    ping(A);
    await clock.advance(5000);
    assert.equal(ping(B).is, 'joined');
    assert.equal(sink.lines.filter(line => line.level === WARN).length, 1);
    memory.failWith(undefined);
    await clock.advance(1000);
    const decoded = onDisk();
    assert.ok(decoded.is === 'fresh');
    assert.deepEqual(ipsOf(decoded.snapshot.members), ipsOf(registry.members()));
  });
});
