import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createGuard} from '../../src/members/guard.ts';
import type {Ping} from '../../src/members/member.ts';
import {createTable} from '../../src/members/table.ts';
import {memberOf, pingOf} from './fixtures.ts';

const TTL_MS = 25_000;

/** A table with `count` pods of the app `web`, all heard at second 0 unless `secondOf` says otherwise. */
function openApp(count: number, secondOf: (index: number) => number = () => 0) {
  const table = createTable({ttlMs: TTL_MS, ownApp: 'haproxy', maxMembers: 1000, maxPayloadBytes: 1 << 20});
  const pod = (index: number): Partial<Ping> => ({ip: `10.0.0.${index}`, id: `web-${index}`});
  const ping = (changes: Partial<Ping>, second: number) =>
    table.record(pingOf(changes), {nowMs: second * 1000, epochMs: second * 1000});
  const indices = Array.from({length: count}, (_, index) => index + 1);
  for (const index of indices.toSorted((a, b) => secondOf(a) - secondOf(b))) ping(pod(index), secondOf(index));
  const expire = (second: number) => table.expire(second * 1000).length;
  return {table, pod, ping, expire};
}

describe('guard', () => {
  test('an app of six falls silent -> all held for two TTLs, shown and counted, then gone', () => {
    const {table, expire} = openApp(6);
    assert.equal(expire(25), 0);
    assert.deepEqual({...table.guard}, {held: 6, silentSince: 0, holds: 1});
    assert.equal(table.hosts().get('web')?.length, 6);
    assert.ok(table.members(30_000).every(({held, expiresInMs}) => held && expiresInMs === 45_000));
    assert.equal(expire(74.9), 0);
    assert.equal(expire(75), 6);
    assert.deepEqual({...table.guard}, {held: 0, silentSince: undefined, holds: 1});
  });

  test('four of six, or five of eleven, fall silent -> gone: too few, not more than half', () => {
    const few = openApp(6, index => (index <= 4 ? 0 : 20));
    assert.equal(few.expire(25), 4);
    const minority = openApp(11, index => (index <= 5 ? 0 : 20));
    assert.equal(minority.expire(25), 5);
  });

  test('silence that trickles in -> the late ones count, so that most are held', () => {
    const {table, expire} = openApp(20, index => index * 0.9);
    let gone = 0;
    for (let second = 18; second < 60; second += 0.5) gone += expire(second);
    assert.ok(gone <= 5, `${gone} gone`);
    assert.equal(table.size, 20 - gone);
    assert.equal(table.guard.holds, 1);
  });

  test('departures within one TTL add up; older ones do not', () => {
    const adding = openApp(9, index => (index <= 4 ? 0 : index <= 8 ? 10 : 20));
    assert.equal(adding.expire(25), 4);
    assert.equal(adding.expire(35), 0);
    assert.equal(adding.table.guard.held, 4);
    const apart = openApp(9, index => (index <= 4 ? 0 : index <= 8 ? 30 : 40));
    assert.equal(apart.expire(25), 4);
    assert.equal(apart.expire(55), 4);
  });

  test('a held member pings -> alive again; its next silence is a matter of its own', () => {
    const {table, pod, ping, expire} = openApp(6);
    expire(25);
    assert.equal(ping(pod(1), 60).is, 'refreshed');
    assert.equal(table.guard.held, 5);
    assert.equal(expire(75), 5);
    assert.deepEqual([table.size, table.guard.holds], [1, 1]);
    assert.equal(expire(85), 1);
  });

  test('one that falls silent during a hold -> joins it, goes with the others', () => {
    const {table, pod, ping, expire} = openApp(6);
    ping(pod(6), 20);
    assert.equal(expire(25), 0);
    assert.equal(expire(46), 0);
    assert.deepEqual({...table.guard}, {held: 6, silentSince: 0, holds: 1});
    assert.equal(expire(75), 6);
  });

  test('down, our own app, and members remembered but never heard -> outside it', () => {
    const {table, pod, ping} = openApp(6);
    for (let index = 1; index <= 6; index++) assert.equal(ping({...pod(index), down: true}, 1).is, 'left');
    for (let index = 1; index <= 6; index++) ping({...pod(index), app: 'haproxy'}, 2);
    assert.equal(table.expire(27_000).length, 6);
    const remembered = Array.from({length: 6}, (_, index) => memberOf({ip: `10.0.1.${index}`, id: `r${index}`}));
    table.restore(remembered, {nowMs: 30_000, epochMs: 0});
    assert.equal(table.expire(55_000).length, 6);
    assert.equal(table.guard.holds, 0);
  });

  test('a fresh TTL for everybody -> ends a hold', () => {
    const {table, expire} = openApp(6);
    expire(25);
    table.grantFreshTtl(40_000);
    assert.equal(table.guard.held, 0);
    assert.equal(expire(64), 0);
    assert.equal(expire(65), 0);
    assert.equal(table.guard.holds, 2);
  });
});

describe('guard, to the bound', () => {
  const open = () => createGuard({ttlMs: TTL_MS});
  const silence = (due: number, others: number, overdue = 0) => ({due, overdue, others});

  test('four, or five of ten -> let go; five of nine, late ones counted -> held for two TTLs', () => {
    assert.equal(open().judge('web', silence(4, 0), 7), undefined);
    assert.equal(open().judge('web', silence(5, 5), 7), undefined);
    assert.equal(open().judge('web', silence(5, 4), 7), 7 + 2 * TTL_MS);
    assert.equal(open().judge('web', silence(1, 4, 4), 7), 7 + 2 * TTL_MS);
  });

  test('departures -> count for less than a TTL', () => {
    for (const [afterMs, isHeld] of [
      [TTL_MS - 1, true],
      [TTL_MS, false],
    ] as const) {
      const guard = open();
      assert.equal(guard.judge('web', silence(4, 10), 1000), undefined);
      assert.equal(guard.judge('web', silence(4, 3), 1000 + afterMs) !== undefined, isHeld, `${afterMs} ms`);
    }
  });

  test('a hold -> holds whoever falls silent until it ends, and then is over', () => {
    const guard = open();
    const untilMs = guard.judge('web', silence(5, 0), 0) ?? assert.fail();
    assert.equal(guard.judge('web', silence(1, 9), untilMs - 1), untilMs);
    assert.equal(guard.judge('web', silence(1, 9), untilMs), undefined);
    assert.equal(guard.holds, 1);
  });

  test('departures of an app of which nobody is left -> forgotten; of one with anybody left -> not', () => {
    const isHeldAfter = (first: ReturnType<typeof silence>, then: number) => {
      const guard = open();
      assert.equal(guard.judge('web', first, 0), undefined);
      return guard.judge('web', silence(then, 0), 10) !== undefined;
    };
    assert.equal(isHeldAfter(silence(4, 0), 1), false);
    assert.equal(isHeldAfter(silence(4, 1), 1), true);
    assert.equal(isHeldAfter(silence(3, 0, 1), 2), true);
    assert.equal(isHeldAfter(silence(3, 1, 1), 2), true);
  });

  test('apps -> judged each for itself; everybody given a fresh TTL -> all forgotten', () => {
    const guard = open();
    guard.judge('web', silence(4, 9), 0);
    assert.equal(guard.judge('api', silence(1, 0), 0), undefined);
    guard.forget();
    assert.equal(guard.judge('web', silence(4, 3), 1), undefined);
  });
});
