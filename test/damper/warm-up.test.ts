import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDamper, isWarm} from '../../src/damper/warm-up.ts';

const SETTINGS = {ttlMs: 20_000, damperMs: 10_000, damperMaxMs: 40_000};

describe('warm-up', () => {
  test('hosts known from the start -> warm at once, damped as configured', () => {
    const warmUp = {elapsedMs: 0, remembers: true};
    assert.equal(isWarm(warmUp, 15_000), true);
    assert.deepEqual(deriveDamper(warmUp, SETTINGS), {quietMs: 10_000, maxMs: 40_000});
  });

  test('nobody known -> warm once KONTROL_WARMUP has passed, not a moment earlier', () => {
    assert.equal(isWarm({elapsedMs: 14_999, remembers: false}, 15_000), false);
    assert.equal(isWarm({elapsedMs: 15_000, remembers: false}, 15_000), true);
    assert.equal(isWarm({elapsedMs: 0, remembers: false}, 0), true);
  });

  test('within one keepalive period -> hardly damped; from then on as configured', () => {
    assert.deepEqual(deriveDamper({elapsedMs: 14_999, remembers: false}, SETTINGS), {quietMs: 1000, maxMs: 4000});
    assert.deepEqual(deriveDamper({elapsedMs: 15_000, remembers: false}, SETTINGS), {quietMs: 10_000, maxMs: 40_000});
  });

  test('a damper shorter than that of the warm-up -> never made longer', () => {
    const short = {ttlMs: 20_000, damperMs: 0, damperMaxMs: 500};
    assert.deepEqual(deriveDamper({elapsedMs: 0, remembers: false}, short), {quietMs: 0, maxMs: 500});
  });
});
