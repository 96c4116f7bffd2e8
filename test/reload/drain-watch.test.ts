import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Activity} from '../../src/jobs/proc.ts';
import {openLog} from '../../src/ports/log.ts';
import {isStuck, quietSince, watchDrains} from '../../src/reload/drain-watch.ts';
import type {StagedGeneration} from '../../src/reload/generation.ts';
import type {Hang} from '../../src/reload/liveness.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const HANG_MS = 10_000;

const seen = (atMs: number, answers: number | undefined, state = 'S', cpuMs = 0, pid = 17) => ({
  pid,
  atMs,
  answers,
  activity: {state, cpuMs},
});

describe('what is seen of a drain', () => {
  test('the same answers, or stopped with nobody who asks -> quiet since the first look', () => {
    for (const [answers, state] of [
      [4, 'S'],
      [4, 'R'],
      [undefined, 'T'],
    ] as const) {
      const first = seen(0, answers, state);
      assert.equal(quietSince(first, seen(2000, answers, state)), first);
    }
  });

  test('another answer, nobody who asks while it sleeps or runs, another process -> not quiet', () => {
    for (const [first, next] of [
      [seen(0, 4), seen(2000, 5)],
      [seen(0, undefined), seen(2000, undefined)],
      [seen(0, undefined, 'R'), seen(2000, undefined, 'R')],
      [seen(0, undefined, 'T'), seen(2000, undefined)],
      [seen(0, 4), seen(2000, undefined, 'T')],
      [seen(0, 4), seen(2000, 4, 'S', 0, 18)],
      [undefined, seen(2000, 4)],
    ] as const) {
      assert.equal(quietSince(first, next), next);
    }
  });

  test('quiet for the whole time -> stuck, a starved one after three times that', () => {
    assert.ok(!isStuck(seen(0, 4), seen(HANG_MS - 1, 4), HANG_MS));
    assert.ok(isStuck(seen(0, 4), seen(HANG_MS, 4), HANG_MS));
    assert.ok(isStuck(seen(0, 4), seen(HANG_MS, 4, 'R', 5000), HANG_MS));
    assert.ok(!isStuck(seen(0, 4), seen(HANG_MS, 4, 'R', 4990), HANG_MS));
    assert.ok(!isStuck(seen(0, 4), seen(3 * HANG_MS - 1, 4, 'R', 4990), HANG_MS));
    assert.ok(isStuck(seen(0, 4), seen(3 * HANG_MS, 4, 'R', 4990), HANG_MS));
  });
});

function open(hangMs = HANG_MS) {
  const clock = createFakeClock(100_000);
  const {log} = openLog('error', {write() {}});
  const state = {answers: 1 as number | undefined, activity: {state: 'S', cpuMs: 0} as Activity, sleptMs: 0};
  const ended: number[] = [];
  const hangs: Hang[] = [];
  const generation = {
    number: 3,
    supervisor: {child: {pid: 17}, stop: () => void ended.push(clock.nowMs())},
  } as unknown as StagedGeneration;
  const stop = new AbortController();
  const watching = watchDrains(
    {
      clock: {...clock, nowMs: () => clock.nowMs() + state.sleptMs},
      log,
      hangMs,
      processes: {activity: async () => state.activity},
      finishing: () => [generation],
      answersOf: () => state.answers,
      onHang: hang => hangs.push(hang),
    },
    stop.signal,
  );
  return {clock, state, ended, hangs, stop, watching};
}

describe('a HAProxy that finishes its connections', () => {
  test('it answers nothing more -> ended once, and told', async () => {
    const {clock, ended, hangs} = open();
    await clock.advance(60_000);
    assert.deepEqual(ended, [110_000]);
    assert.deepEqual(hangs, [{generation: 3, pid: 17, silentMs: 10_000, restarts: false}]);
  });

  test('it answers now and then, or is asked nothing and sleeps -> left alone', async () => {
    const {clock, state, ended} = open();
    for (let turn = 0; turn < 10; turn += 1) {
      await clock.advance(8000);
      state.answers = (state.answers ?? 0) + 1;
    }
    state.answers = undefined;
    await clock.advance(100_000);
    assert.deepEqual(ended, []);
  });

  test('it is stopped, awakened, stopped, and nobody asks it -> ended after the second time', async () => {
    const {clock, state, ended} = open();
    state.answers = undefined;
    for (const stateName of ['T', 'S']) {
      state.activity = {state: stateName, cpuMs: 0};
      await clock.advance(8000);
    }
    state.activity = {state: 'T', cpuMs: 0};
    await clock.advance(20_000);
    assert.equal(ended.length, 1);
    assert.ok((ended[0] ?? 0) >= 126_000, `${ended}`);
  });

  test('the daemon itself slept -> its time begins anew', async () => {
    const {clock, state, ended} = open();
    await clock.advance(3000);
    state.sleptMs = 20_000;
    await clock.advance(9000);
    assert.deepEqual(ended, []);
    await clock.advance(5000);
    assert.equal(ended.length, 1);
  });

  test('KONTROL_HANG=0, or the daemon stops -> nobody is ended', async () => {
    const off = open(0);
    const stopping = open();
    stopping.stop.abort();
    await Promise.all([off.watching, stopping.watching]);
    await off.clock.advance(60_000);
    await stopping.clock.advance(60_000);
    assert.deepEqual([off.ended, stopping.ended], [[], []]);
  });
});
