import assert from 'node:assert/strict';
import {test} from 'node:test';
import {stepByStep} from '../src/ports/event-loop.ts';
import {atOnce, type Steps} from '../src/steps.ts';

function* countTo(limit: number): Steps<number> {
  let count = 0;
  for (; count < limit; count += 1) yield;
  return count;
}

test('steps at once -> their result', () => assert.equal(atOnce(countTo(5)), 5));

test('steps one by one -> their result, and others come between them', async () => {
  let others = 0;
  const timer = setInterval(() => {
    others += 1;
  });
  const work = stepByStep(countTo(10_000));
  assert.equal(others, 0);
  assert.equal(await work, 10_000);
  clearInterval(timer);
  assert.ok(others > 0);
});

test('a step that throws -> rejects with that', async () => {
  function* fails(): Steps<never> {
    yield;
    throw new RangeError('no');
  }
  await assert.rejects(stepByStep(fails()), RangeError);
});
