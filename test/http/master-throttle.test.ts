import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createThrottle} from '../../src/http/throttle.ts';
import {createFakeClock} from '../support/fake-clock.ts';

test('throttle, one key within and after its period -> once per period', async () => {
  const clock = createFakeClock();
  const may = createThrottle({clock, periodMs: 60_000, maxKeys: 10});
  assert.deepEqual([may('a'), may('a'), may('b')], [true, false, true]);
  await clock.advance(59_999);
  assert.equal(may('a'), false);
  await clock.advance(1);
  assert.deepEqual([may('a'), may('a')], [true, false]);
});

test('throttle, more keys than it holds -> silent until the oldest expires', async () => {
  const clock = createFakeClock();
  const may = createThrottle({clock, periodMs: 60_000, maxKeys: 2});
  assert.deepEqual([may('a'), may('b'), may('c')], [true, true, false]);
  await clock.advance(60_000);
  assert.equal(may('c'), true);
});
