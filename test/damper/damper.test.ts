import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {calm, type Damper, dueAtMs, noteChange} from '../../src/damper/damper.ts';
import {fc} from '../support/properties.ts';

const SETTINGS = {quietMs: 10_000, maxMs: 40_000};

const after = (...atMs: number[]): Damper => atMs.reduce(noteChange, calm);

describe('damper', () => {
  test('nothing held -> never due', () => {
    assert.equal(dueAtMs(calm, SETTINGS), undefined);
  });

  test('one change -> due after the quiet time', () => {
    assert.equal(dueAtMs(after(500), SETTINGS), 10_500);
  });

  test('another change within the quiet time -> it starts anew', () => {
    assert.equal(dueAtMs(after(500, 7000), SETTINGS), 17_000);
  });

  test('fault 6: a flapping slave -> the maximum since the first change bounds the wait of everybody', () => {
    const flapping = after(...Array.from({length: 100}, (_, index) => 500 + index * 1000));
    assert.equal(dueAtMs(flapping, SETTINGS), 40_500);
  });

  test('a maximum below the quiet time -> the quiet time counts', () => {
    assert.equal(dueAtMs(after(0, 4000), {quietMs: 10_000, maxMs: 0}), 10_000);
  });

  test('no quiet time -> due at the change', () => {
    assert.equal(dueAtMs(after(700), {quietMs: 0, maxMs: 0}), 700);
  });

  test('any changes and settings -> due once quiet, never before the quiet time nor after the maximum', () => {
    const gaps = fc.array(fc.integer({min: 0, max: 20_000}), {minLength: 1, maxLength: 50});
    fc.assert(
      fc.property(gaps, fc.nat(30_000), fc.nat(90_000), (waits, quietMs, maxMs) => {
        let nowMs = 0;
        const atMs = waits.map(gap => {
          nowMs += gap;
          return nowMs;
        });
        const dueMs = dueAtMs(after(...atMs), {quietMs, maxMs});
        const [first = 0, last = 0] = [atMs[0], atMs.at(-1)];
        assert.ok(dueMs !== undefined);
        assert.ok(dueMs >= first + quietMs);
        assert.ok(dueMs <= first + Math.max(quietMs, maxMs));
        assert.ok(dueMs === last + quietMs || dueMs === first + Math.max(quietMs, maxMs));
      }),
    );
  });
});
