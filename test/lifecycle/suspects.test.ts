import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveSuspects, isOverBound, withoutSuspects} from '../../src/lifecycle/suspects.ts';
import type {Json} from '../../src/members/member.ts';
import type {TemplateInput} from '../../src/template/input.ts';
import {inputOfApps} from './fixtures.ts';

const saying = (payload: Json): TemplateInput => {
  const input = inputOfApps({web: ['w0']});
  return {...input, variables: {...input.variables, pods: input.variables.pods.map(pod => ({...pod, payload}))}};
};

/** The first so many pods of an app of 200. */
function outOf200(count: number) {
  const input = inputOfApps({web: Array.from({length: 200}, (_, index) => `w${index}`), api: ['a0']});
  return {pods: input.variables.pods, culprits: deriveSuspects(undefined, input).slice(0, count)};
}

describe('suspects', () => {
  test('a payload that is read anew and says the same -> no suspect; another one -> with what it said before', () => {
    assert.deepEqual(deriveSuspects(saying({weight: [1, 2]}), saying({weight: [1, 2]})), []);
    const [suspect, ...others] = deriveSuspects(saying({weight: [1, 2]}), saying({weight: [2, 1]}));
    assert.deepEqual([suspect?.before?.payload, suspect?.pod.payload], [{weight: [1, 2]}, {weight: [2, 1]}]);
    assert.deepEqual(others, []);
  });

  test('nobody is left out -> the very same input, an app without pods included', () => {
    const input = inputOfApps({web: ['w0'], api: []});
    assert.equal(withoutSuspects(input, []), input);
  });

  test('the bound is 0 per cent -> nobody may be left out; 1 per cent -> one of an app may, and 2 of 200', () => {
    for (const [percent, count, isOver] of [
      [0, 0, false],
      [0, 1, true],
      [1, 1, false],
      [1, 2, false],
      [1, 3, true],
    ] as const) {
      const {culprits, pods} = outOf200(count);
      assert.equal(isOverBound(culprits, pods, percent), isOver, `${count} at ${percent} %`);
    }
  });

  test('a small app at 1 per cent -> one of it may be left out, two may not', () => {
    const input = inputOfApps({web: ['w0', 'w1', 'w2']});
    const suspects = deriveSuspects(undefined, input);
    assert.equal(isOverBound(suspects.slice(0, 1), input.variables.pods, 1), false);
    assert.equal(isOverBound(suspects.slice(0, 2), input.variables.pods, 1), true);
  });

  test('the same pod found twice -> counted once', () => {
    const input = inputOfApps({web: ['w0', 'w1', 'w2']});
    const [first] = deriveSuspects(undefined, input);
    assert.ok(first !== undefined);
    assert.equal(isOverBound([first, first], input.variables.pods, 1), false);
  });
});
