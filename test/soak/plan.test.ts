import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {planSteps, type Step} from './plan.ts';

function take(seed: number, count: number): Step[] {
  const steps = planSteps(seed, 19);
  return Array.from({length: count}, () => steps.next().value);
}

describe('plan', () => {
  test('the same seed -> the same actions; another seed -> others', () => {
    assert.deepEqual(take(7, 500), take(7, 500));
    assert.deepEqual(take(7, 500).slice(0, 100), take(7, 100));
    assert.notDeepEqual(take(7, 500), take(8, 500));
  });

  test('the rounds of three minutes -> every heavy action is among them, each round ends with a check', () => {
    const steps = take(1, 24 * 7);
    const kinds = new Set(steps.map(({action}) => action.do));
    for (const kind of [
      'killProxy',
      'killDaemon',
      'pause',
      'outage',
      'restart',
      'lock',
      'spoil',
      'hush',
      'poison',
      'poisonApp',
    ] as const) {
      assert.ok(kinds.has(kind), kind);
    }
    assert.equal(steps.filter(({action}) => action.do === 'check').length, 7);
  });
});
