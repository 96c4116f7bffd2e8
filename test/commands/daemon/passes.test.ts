import assert from 'node:assert/strict';
import {test} from 'node:test';
import {digestFor, idleOf} from '../../../src/commands/daemon/passes.ts';
import {digestBlockInput, digestInput} from '../../../src/template/input.ts';

test('a render process with nothing to do -> ends after 2 min where the damper gives the next one 1 s to start, else never', () => {
  const afterMsOf = (damperMs: number) => idleOf({damperMs})?.afterMs;
  assert.deepEqual([0, 999, 1000, 30_000].map(afterMsOf), [undefined, undefined, 120_000, 120_000]);
});

test('a manifest of 2017 -> its passes go by what its blocks see, others by what a template sees', () => {
  assert.deepEqual([digestFor({isOf2017: true}), digestFor({isOf2017: false})], [digestBlockInput, digestInput]);
});
