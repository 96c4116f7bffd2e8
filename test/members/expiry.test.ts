import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {watchExpiry} from '../../src/members/expiry.ts';
import type {Member} from '../../src/members/member.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {memberOf, openLogSink, WARN} from './fixtures.ts';

const TICK_MS = 500;

/** A table that a test plays; what was done to it, in order, beside whom the watch said to be expired. */
function openWatch() {
  const clock = createFakeClock();
  const sink = openLogSink();
  const did: string[] = [];
  let due: Member[] = [];
  const guard = {held: 0, silentSince: undefined, holds: 3};
  const stop = watchExpiry({
    clock,
    log: sink.log,
    table: {
      size: 7,
      guard,
      grantFreshTtl: nowMs => did.push(`fresh TTL at ${nowMs}`),
      expire(nowMs) {
        did.push(`expire at ${nowMs}`);
        return due.splice(0);
      },
    },
    onExpired: members => did.push(`expired ${members.map(({ip}) => ip).join(' ')}`),
  });
  return {
    clock,
    sink,
    did,
    guard,
    stop,
    silence(...ips: string[]) {
      due = ips.map(ip => memberOf({ip}));
    },
  };
}

describe('expiry', () => {
  test('somebody silent -> told within half a second; nobody -> nothing is told', async () => {
    const {clock, did, silence} = openWatch();
    await clock.advance(TICK_MS - 1);
    assert.deepEqual(did, []);
    silence('10.0.0.1', '10.0.0.2');
    await clock.advance(1);
    await clock.advance(TICK_MS);
    silence('10.0.0.3');
    await clock.advance(TICK_MS);
    assert.deepEqual(did, [
      'expire at 500',
      'expired 10.0.0.1 10.0.0.2',
      'expire at 1000',
      'expire at 1500',
      'expired 10.0.0.3',
    ]);
  });

  test('a tick two seconds late -> as ever; later, as after a pause -> a fresh TTL first, told once', async () => {
    for (const [lateMs, isFresh] of [
      [2000, false],
      [2001, true],
    ] as const) {
      const {clock, did, sink} = openWatch();
      clock.pause(TICK_MS + lateMs);
      await clock.advance(0);
      await clock.advance(TICK_MS);
      const [first, second] = [TICK_MS + lateMs, 2 * TICK_MS + lateMs];
      const fresh = isFresh ? [`fresh TTL at ${first}`] : [];
      assert.deepEqual(did, [...fresh, `expire at ${first}`, `expire at ${second}`]);
      const lines = sink.said('fresh TTL').map(({level, durationMs, members}) => [level, durationMs, members]);
      assert.deepEqual(lines, isFresh ? [[WARN, lateMs, 7]] : []);
    }
  });

  test('the wall clock set forward, as after a suspension -> a fresh TTL; set back, or forth a little -> none', async () => {
    for (const [stepMs, fresh] of [
      [-3_600_000, 0],
      [2000, 0],
      [2001, 1],
    ] as const) {
      const {clock, did} = openWatch();
      await clock.advance(TICK_MS);
      clock.stepEpoch(stepMs);
      await clock.advance(3 * TICK_MS);
      assert.equal(did.filter(what => what.startsWith('fresh')).length, fresh, `a step of ${stepMs} ms`);
    }
  });

  test('the guard holds -> one warning for each hold, with how many', async () => {
    const {clock, guard, sink} = openWatch();
    await clock.advance(2 * TICK_MS);
    assert.equal(sink.said('fell silent at once').length, 0);
    Object.assign(guard, {held: 6, holds: 4});
    await clock.advance(4 * TICK_MS);
    Object.assign(guard, {held: 9, holds: 5});
    await clock.advance(4 * TICK_MS);
    assert.deepEqual(
      sink.said('fell silent at once').map(({level, members}) => [level, members]),
      [
        [WARN, 6],
        [WARN, 9],
      ],
    );
  });

  test('stopped, before the first tick or after one -> no tick any more', async () => {
    for (const advanceMs of [0, TICK_MS]) {
      const {clock, did, stop} = openWatch();
      await clock.advance(advanceMs);
      const before = did.length;
      stop();
      await clock.advance(10 * TICK_MS);
      assert.equal(did.length, before);
    }
  });
});
