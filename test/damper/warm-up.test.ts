import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDamper, isWarm} from '../../src/damper/warm-up.ts';

const SETTINGS = {ttlMs: 20_000, damperMs: 10_000, damperMaxMs: 40_000};

/** So long after a start at 700. */
const after = (ms: number, remembers = false) => ({startedMs: 700, nowMs: 700 + ms, remembers});

describe('warm-up', () => {
  test('hosts known from the start -> warm at once, damped as configured', () => {
    const warmUp = after(0, true);
    assert.equal(isWarm(warmUp, 15_000), true);
    assert.deepEqual(deriveDamper(warmUp, SETTINGS), {quietMs: 10_000, maxMs: 40_000});
  });

  test('nobody known -> warm once KONTROL_WARMUP has passed, not a moment earlier', () => {
    assert.equal(isWarm(after(14_999), 15_000), false);
    assert.equal(isWarm(after(15_000), 15_000), true);
    assert.equal(isWarm(after(0), 0), true);
  });

  test('within one keepalive period -> hardly damped; from then on as configured', () => {
    assert.deepEqual(deriveDamper(after(14_999), SETTINGS), {quietMs: 1000, maxMs: 4000});
    assert.deepEqual(deriveDamper(after(15_000), SETTINGS), {quietMs: 10_000, maxMs: 40_000});
  });

  test('a damper shorter than that of the warm-up -> never made longer', () => {
    const short = {ttlMs: 20_000, damperMs: 0, damperMaxMs: 500};
    assert.deepEqual(deriveDamper(after(0), short), {quietMs: 0, maxMs: 500});
  });
});
