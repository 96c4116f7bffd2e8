import assert from 'node:assert/strict';
import {test} from 'node:test';
import {deriveBackoffMs} from '../../src/ports/backoff.ts';

test('failures in a row -> doubling from the first wait up to the longest', () => {
  const waits = [1, 2, 3, 4, 5, 6, 5000].map(failures => deriveBackoffMs(failures, {firstMs: 500, maxMs: 6000}));
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 6000, 6000, 6000]);
});

test('no failure yet -> the first wait, never less', () => {
  assert.equal(deriveBackoffMs(0, {firstMs: 500, maxMs: 6000}), 500);
});
