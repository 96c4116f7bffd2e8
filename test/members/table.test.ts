import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Ping} from '../../src/members/member.ts';
import {createTable, type TableOptions} from '../../src/members/table.ts';
import {memberOf, pingOf} from './fixtures.ts';

const TTL_MS = 25_000;

/** A table with a moment of its own: `seconds` is where both clocks stand. */
function openTable(options: Partial<TableOptions> = {}) {
  const table = createTable({
    ttlMs: TTL_MS,
    ownApp: 'haproxy',
    maxMembers: 20_000,
    maxPayloadBytes: 1 << 20,
    ...options,
  });
  let lastSeq = 0;
  const record = (changes: Partial<Ping> = {}, seconds = 0) =>
    table.record(pingOf(changes), {nowMs: seconds * 1000, epochMs: 1_000_000 + seconds * 1000});
  return {
    table,
    record,
    /** Records a ping that starts a stay, and settles it at once. */
    join(changes: Partial<Ping> = {}, seconds = 0) {
      const outcome = record(changes, seconds);
      if (outcome.is !== 'joined' && outcome.is !== 'replaced') assert.fail(outcome.is);
      assert.ok(table.settle(outcome.member.ip, outcome.arrival, ++lastSeq));
      return outcome;
    },
    only(seconds = 0) {
      const [member, ...others] = table.members(seconds * 1000);
      assert.deepEqual(others, []);
      return member ?? assert.fail('nobody is in');
    },
    ips: () => table.members(0).map(member => member.ip),
  };
}

const A = {ip: '10.0.0.1', id: 'a'};
const B = {ip: '10.0.0.2', id: 'b'};
const C = {ip: '10.0.0.3', id: 'c'};

describe('joining and staying', () => {
  test('first ping -> joined, provisional, visible at once', () => {
    const {table, record, only} = openTable();
    const outcome = record();
    assert.equal(outcome.is, 'joined');
    assert.equal(table.version, 1);
    const {down: _, ...pod} = pingOf();
    const member = {...pod, seq: undefined, firstSeenAt: 1_000_000, lastSeenAt: 1_000_000};
    assert.deepEqual(only(), {...member, held: false, expiresInMs: TTL_MS});
    assert.deepEqual([...table.hosts()], [['web', ['10.2.0.17']]]);
  });

  test('same ping again -> refreshed, no new version, last seen moves', () => {
    const {table, join, record, only} = openTable();
    join();
    const {version} = table;
    const hosts = table.hosts();
    assert.deepEqual(record({}, 10), {is: 'refreshed', alternating: false});
    assert.equal(table.version, version);
    assert.equal(table.hosts(), hosts);
    const {firstSeenAt, lastSeenAt, expiresInMs} = only(12);
    assert.deepEqual(
      {firstSeenAt, lastSeenAt, expiresInMs},
      {firstSeenAt: 1e6, lastSeenAt: 1_010_000, expiresInMs: 23_000},
    );
  });

  for (const change of [{app: 'api'}, {role: 'back'}, {key: 'x'}, {payload: {weight: 5}}]) {
    test(`ping with another ${Object.keys(change)} -> changed, same seq, new version`, () => {
      const {table, join, record, only} = openTable();
      join();
      const {version} = table;
      assert.equal(record(change, 1).is, 'changed');
      assert.equal(table.version, version + 1);
      assert.deepEqual({...only(), ...change}, only());
      assert.equal(only().seq, 1);
      assert.equal(record(change, 2).is, 'refreshed');
    });
  }

  test('own app -> a member, but no host', () => {
    const {table, join, ips} = openTable();
    join({...A, app: 'haproxy'});
    assert.deepEqual([ips(), table.hosts().size], [['10.0.0.1'], 0]);
  });
});

describe('order', () => {
  test('settled members by seq, provisional ones last in order of arrival -> hosts follow', () => {
    const {table, record, ips} = openTable();
    for (const pod of [A, B, C]) record(pod);
    record(A, 1);
    assert.deepEqual(ips(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    assert.ok(table.settle('10.0.0.3', 3, 1));
    assert.deepEqual(ips(), ['10.0.0.3', '10.0.0.1', '10.0.0.2']);
    assert.ok(table.settle('10.0.0.2', 2, 2));
    assert.deepEqual(table.hosts().get('web'), ['10.0.0.3', '10.0.0.2', '10.0.0.1']);
    assert.deepEqual(
      table.provisional().map(({member, arrival}) => [member.ip, arrival]),
      [['10.0.0.1', 1]],
    );
  });

  test('seq for a stay that is over, replaced or settled -> ignored', () => {
    const {table, record, only} = openTable();
    record();
    record({down: true}, 1);
    assert.equal(table.settle('10.2.0.17', 1, 1), false);
    record({}, 2);
    assert.equal(table.settle('10.2.0.17', 1, 2), false);
    record({nonce: 'n'}, 3);
    assert.equal(table.settle('10.2.0.17', 2, 3), false);
    assert.equal(table.settle('10.2.0.17', 3, 4), true);
    assert.equal(table.settle('10.2.0.17', 3, 5), false);
    assert.equal(only().seq, 4);
  });
});

describe('replacing', () => {
  for (const other of [{id: 'web-2'}, {nonce: '9f2c'}]) {
    test(`another ${Object.keys(other)} on the IP -> replaced: new seq, new first seen, last in order`, () => {
      const {table, join, ips} = openTable();
      join();
      join(B);
      const outcome = join(other, 5);
      assert.ok(outcome.is === 'replaced' && !outcome.alternating);
      assert.equal(outcome.previous.seq, 1);
      assert.deepEqual([outcome.member.seq, outcome.member.firstSeenAt], [undefined, 1_005_000]);
      assert.deepEqual(ips(), ['10.0.0.2', '10.2.0.17']);
      assert.equal(table.size, 2);
    });
  }

  test('two ids in turns on one IP -> the newer one stays, with its seq; no new version', () => {
    const {table, join, record, only} = openTable();
    join({id: 'a'});
    join({id: 'b', app: 'api'}, 1);
    const {version} = table;
    for (let second = 10; second < 200; second += 10) {
      assert.deepEqual(record({id: 'a'}, second), {is: 'refreshed', alternating: true});
      assert.deepEqual(record({id: 'b', app: 'api'}, second + 5), {is: 'refreshed', alternating: false});
      assert.deepEqual(table.expire(second * 1000), []);
    }
    assert.deepEqual([only().id, only().seq, table.version], ['b', 2, version]);
  });

  test('three ids in turns on one IP -> settles as well', () => {
    const {join, record, only} = openTable();
    for (const [second, id] of ['a', 'b', 'c'].entries()) join({id}, second);
    for (let second = 3; second < 60; second += 3) {
      for (const [i, id] of ['a', 'b', 'c'].entries()) assert.equal(record({id}, second + i).is, 'refreshed');
    }
    assert.deepEqual([only().id, only().seq], ['c', 3]);
  });

  test('two ids in turns, the one that stays falls silent -> the other takes over without a gap, seq kept', () => {
    const {table, join, record, only} = openTable();
    join({id: 'a'});
    join({id: 'b'}, 1);
    for (const second of [15, 25]) {
      assert.equal(record({id: 'a'}, second).is, 'refreshed');
      assert.deepEqual(table.expire(second * 1000 + 1000), []);
    }
    const outcome = record({id: 'a'}, 35);
    assert.ok(outcome.is === 'replaced' && outcome.alternating);
    assert.deepEqual([only().id, only().seq, only().firstSeenAt], ['a', 2, 1_001_000]);
  });

  test('an id replaced more than a TTL ago -> an ordinary replacement', () => {
    const {join, record} = openTable();
    join({id: 'a'});
    join({id: 'b'}, 1);
    record({id: 'b'}, 20);
    const outcome = join({id: 'a'}, 27);
    assert.ok(outcome.is === 'replaced' && !outcome.alternating);
  });
});

describe('leaving', () => {
  test('old fault 5, down stuck: down, then the same pod again -> left, joined with a new seq', () => {
    const {table, join, record, only} = openTable();
    join();
    assert.equal(record({down: true}, 1).is, 'left');
    assert.deepEqual([table.size, table.hosts().size], [0, 0]);
    join({}, 2);
    assert.equal(only().seq, 2);
  });

  test('down of another id or nonce, or from nobody -> ignored', () => {
    const {table, join, record} = openTable();
    assert.deepEqual(record({down: true}), {is: 'ignored', why: 'absent'});
    join({nonce: 'n'});
    const {version} = table;
    assert.deepEqual(record({down: true}), {is: 'ignored', why: 'other-pod'});
    assert.deepEqual(record({down: true, nonce: 'n', id: 'x'}), {is: 'ignored', why: 'other-pod'});
    assert.deepEqual([table.size, table.version], [1, version]);
  });

  test('silence for a TTL -> expired; those heard since stay; a return has a new seq', () => {
    const {table, join, record, only} = openTable();
    join(A);
    join(B);
    record(A, 20);
    assert.deepEqual(table.expire(24_999), []);
    assert.deepEqual(
      table.expire(25_000).map(member => member.id),
      ['b'],
    );
    assert.deepEqual(
      table.expire(45_000).map(member => member.id),
      ['a'],
    );
    join(A, 46);
    assert.equal(only().seq, 3);
  });

  test('fresh TTL granted -> nobody expires before it is over', () => {
    const {table, join} = openTable();
    join(A);
    join(B, 10);
    table.grantFreshTtl(60_000);
    assert.deepEqual(table.expire(84_999), []);
    assert.equal(table.expire(85_000).length, 2);
  });
});

describe('bounds', () => {
  test('one member too many -> refused, the others pinged as before', () => {
    const {table, join, record} = openTable({maxMembers: 2});
    join(A);
    join(B);
    const {version} = table;
    assert.deepEqual(record(C), {is: 'refused', why: 'members', bound: 2});
    assert.equal(record(A, 1).is, 'refreshed');
    assert.equal(table.version, version);
    record({...A, down: true}, 2);
    assert.equal(record(C, 3).is, 'joined');
  });

  test('payloads too big together -> newcomer refused; a grown payload refused, but its pod stays alive', () => {
    const {table, join, record} = openTable({maxPayloadBytes: 20});
    join({...A, payload: '12345678'});
    join(B);
    assert.deepEqual(record({...C, payload: '12345678901'}), {is: 'refused', why: 'payloads', bound: 20});
    assert.deepEqual(record({...B, payload: '12345678901'}, 9), {is: 'refused', why: 'payloads', bound: 20});
    assert.deepEqual(record({...A, id: 'a2', payload: 'x'.repeat(50)}, 9), {is: 'refused', why: 'payloads', bound: 20});
    assert.equal(table.payloadBytes, 10);
    assert.deepEqual(
      table.expire(30_000).map(member => member.id),
      ['a'],
    );
    assert.equal(table.members(30_000)[0]?.payload, '');
    assert.equal(table.payloadBytes, 0);
  });
});

describe('restoring', () => {
  test('remembered members -> in with a fresh TTL, seq and first seen kept; provisional ones still lack a seq', () => {
    const {table, ips} = openTable();
    const members = [memberOf({...B, seq: 7}), memberOf({...A, seq: 4}), memberOf({...C, seq: undefined})];
    table.restore(members, {nowMs: 100_000, epochMs: 5_000_000});
    assert.deepEqual(ips(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    const [first] = table.members(100_000);
    assert.deepEqual(first, {...memberOf({...A, seq: 4}), held: false, expiresInMs: TTL_MS});
    assert.deepEqual(
      table.provisional().map(({member}) => member.id),
      ['c'],
    );
    assert.deepEqual(table.expire(124_999), []);
    assert.equal(table.expire(125_000).length, 3);
  });

  test('remembered members, pinging again -> refreshed, seq kept', () => {
    const {table, record, only} = openTable();
    table.restore([memberOf({seq: 4})], {nowMs: 0, epochMs: 0});
    assert.deepEqual(record({}, 1), {is: 'refreshed', alternating: false});
    assert.equal(only().seq, 4);
  });

  test('more remembered members than the bound, or one IP twice -> the first ones', () => {
    const {table, ips} = openTable({maxMembers: 2});
    const members = [
      memberOf({...A, seq: 1}),
      memberOf({...A, seq: 2}),
      memberOf({...B, seq: 3}),
      memberOf({...C, seq: 4}),
    ];
    table.restore(members, {nowMs: 0, epochMs: 0});
    assert.deepEqual(ips(), ['10.0.0.1', '10.0.0.2']);
  });
});

describe('as a shared store says', () => {
  const NOW = {nowMs: 10_000, epochMs: 5_000_000};
  const shared = memberOf({...A, seq: 4, firstSeenAt: 7});

  test('one that another replica heard -> joined with its seq and first seen, unheard here', () => {
    const {table} = openTable();
    const before = table.version;
    assert.deepEqual(table.adopt(shared, undefined, NOW), {is: 'joined', member: {...shared, lastSeenAt: 5_000_000}});
    assert.ok(table.version > before);
    const {arrival, heardMs} = table.stay(A.ip) ?? assert.fail();
    assert.deepEqual([arrival, heardMs], [1, Number.NEGATIVE_INFINITY]);
    assert.equal(table.adopt(shared, undefined, NOW), undefined);
    assert.equal(table.adopt(memberOf({...B, seq: 5}), undefined, NOW)?.is, 'joined');
    assert.equal(table.stay(B.ip)?.arrival, 2);
  });

  test('one that we heard first -> settled; what is said of it again -> no news', () => {
    const {table, record} = openTable();
    record(A);
    const before = table.version;
    const said = memberOf({...A, seq: 4});
    assert.equal(table.adopt(said, undefined, NOW)?.is, 'settled');
    assert.equal(table.version, before + 1);
    assert.equal(table.adopt(said, undefined, NOW), undefined);
    assert.equal(table.version, before + 1);
    assert.equal(table.stay(A.ip)?.arrival, 1);
  });

  test('a changed payload, another pod on the IP -> changed in its stay; replaced in another one', () => {
    const {table} = openTable();
    table.adopt(shared, undefined, NOW);
    const changed = table.adopt({...shared, payload: 'x'}, undefined, NOW);
    assert.deepEqual([changed?.is, changed?.member.payload, table.stay(A.ip)?.arrival], ['changed', 'x', 1]);
    const replaced = table.adopt({...shared, id: 'new', seq: 5}, undefined, NOW);
    assert.ok(replaced?.is === 'replaced' && !replaced.alternating);
    assert.deepEqual([replaced.previous.id, replaced.member.id, table.stay(A.ip)?.arrival], ['a', 'new', 2]);
  });

  test('kept -> a TTL at most is shown once its time here is up; released or held -> what is left', () => {
    const {table} = openTable();
    table.adopt(shared, undefined, NOW);
    const leftMs = (nowMs: number) => table.members(nowMs)[0]?.expiresInMs;
    assert.deepEqual([leftMs(10_000), leftMs(34_999), leftMs(35_000), leftMs(90_000)], [TTL_MS, 1, TTL_MS, TTL_MS]);
    table.release(A.ip);
    assert.deepEqual([leftMs(34_999), leftMs(35_000), leftMs(90_000)], [1, 0, 0]);
    table.adopt(shared, 40_000, NOW);
    assert.deepEqual([table.members(10_000)[0]?.held, table.guard.held, leftMs(10_000)], [true, 1, 40_000]);
    table.adopt(shared, undefined, NOW);
    assert.deepEqual([table.members(10_000)[0]?.held, table.guard.held], [false, 0]);
  });

  test('no room for it, or for its payload -> left out, or as it was', () => {
    const {table} = openTable({maxMembers: 1, maxPayloadBytes: 10});
    assert.equal(table.adopt({...shared, payload: '123456789'}, undefined, NOW), undefined);
    assert.equal(table.adopt({...shared, payload: '12345678'}, undefined, NOW)?.is, 'joined');
    assert.equal(table.adopt({...shared, payload: '123456789'}, undefined, NOW), undefined);
    assert.equal(table.adopt(memberOf(B), undefined, NOW), undefined);
    assert.deepEqual([table.size, table.payloadBytes, table.find(A.ip)?.payload], [1, 10, '12345678']);
  });

  test('dropped -> gone, and its payload with it; a stranger -> nothing', () => {
    const {table} = openTable();
    table.adopt({...shared, payload: 'abc'}, undefined, NOW);
    assert.equal(table.payloadBytes, 5);
    const before = table.version;
    assert.equal(table.drop(B.ip), undefined);
    assert.equal(table.drop(A.ip)?.id, 'a');
    assert.deepEqual([table.size, table.payloadBytes, table.drop(A.ip), table.version], [0, 0, undefined, before + 1]);
    table.release(A.ip);
  });
});

describe('numbers', () => {
  test('payloads that grow, shrink and go -> their sum, up to the bound itself', () => {
    const {table, record} = openTable({maxPayloadBytes: 20});
    record({...A, payload: '12345678'});
    record({...B, payload: '12345678'});
    assert.equal(table.payloadBytes, 20);
    assert.equal(record({...C, payload: ''}).is, 'joined');
    record({...A, payload: '1'});
    assert.equal(table.payloadBytes, 13);
    record({...A, payload: '12345678'});
    assert.equal(table.payloadBytes, 20);
    assert.equal(record({...A, payload: '123456789'}).is, 'refused');
    record({...B, down: true});
    assert.equal(table.payloadBytes, 10);
    record({...A, id: 'a2', payload: '12'});
    assert.equal(table.payloadBytes, 4);
  });

  test('version -> one more for each thing that a template can see', () => {
    const {table, record} = openTable();
    const after = (work: () => unknown) => {
      const before = table.version;
      work();
      return table.version - before;
    };
    assert.equal(
      after(() => record(A)),
      1,
    );
    assert.equal(
      after(() => record(A)),
      0,
    );
    assert.equal(
      after(() => table.settle(A.ip, 1, 3)),
      1,
    );
    assert.equal(
      after(() => record({...A, role: 'other'})),
      1,
    );
    assert.equal(
      after(() => record({...A, nonce: 'again'})),
      1,
    );
    assert.equal(
      after(() => record({...A, nonce: 'again', down: true})),
      1,
    );
    assert.equal(
      after(() => table.restore([memberOf(A), memberOf(B)], {nowMs: 0, epochMs: 0})),
      2,
    );
  });

  test('arrivals -> one more for each stay, restored ones included', () => {
    const {table, record} = openTable();
    table.restore([memberOf({...A, seq: undefined}), memberOf({...B, seq: undefined})], {nowMs: 0, epochMs: 0});
    record(C);
    record({...A, id: 'a2'});
    assert.deepEqual(
      [B, C, A].map(({ip}) => table.stay(ip)?.arrival),
      [2, 3, 4],
    );
    assert.equal(table.stay(A.ip)?.heardMs, 0);
    assert.equal(table.stay(B.ip)?.heardMs, Number.NEGATIVE_INFINITY);
    record(B, 2);
    assert.equal(table.stay(B.ip)?.heardMs, 2000);
  });

  test('a remembered IP that pings already -> stays as it is', () => {
    const {table, record, only} = openTable();
    record({...A, role: 'now'});
    table.restore([memberOf({...A, role: 'then', seq: 9})], {nowMs: 0, epochMs: 0});
    assert.deepEqual([only().role, only().seq], ['now', undefined]);
  });

  test('a time that is up but not looked at yet -> nothing is left, never less', () => {
    const {table, record} = openTable();
    record(A);
    assert.deepEqual(
      [24_999, 25_000, 26_000].map(nowMs => table.members(nowMs)[0]?.expiresInMs),
      [1, 0, 0],
    );
  });
});
