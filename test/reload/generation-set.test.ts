import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Job, Ladder} from '../../src/jobs/job.ts';
import type {StagedGeneration} from '../../src/reload/generation.ts';
import {createGenerationSet} from '../../src/reload/generation-set.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const EXIT = {code: 1, signal: undefined};

/** A generation with a process; `told` are the first signals of each ladder that it was told to go by. */
function fakeGeneration(number: number) {
  const told: string[] = [];
  const ladders: Ladder[] = [];
  const state = {job: {is: 'RUNNING', failures: 0, sinceMs: 0} as Job, promoted: 0, hasChild: true};
  const generation = {
    number,
    promote() {
      state.promoted += 1;
    },
    supervisor: {
      get job() {
        return state.job;
      },
      get child() {
        return state.hasChild ? {pid: 100 + number} : undefined;
      },
      stop(ladder: Ladder) {
        told.push(ladder[0]?.signal ?? 'none');
        ladders.push(ladder);
        state.job = {is: 'STOPPING', sinceMs: 1000, untilMs: 2000, sent: undefined, ladder};
      },
    },
  } as unknown as StagedGeneration;
  return {generation, told, ladders, state};
}

/** A set in which the first so many were promoted in turn, and all but the last told to finish. */
function openSet(count: number, maxCount = 10) {
  const clock = createFakeClock(1000);
  const set = createGenerationSet(clock, {maxAgeMs: 5000, maxCount});
  const fakes = Array.from({length: count}, (_, index) => fakeGeneration(index + 1));
  for (const [index, {generation}] of fakes.entries()) {
    set.promote(generation);
    const before = fakes[index - 1];
    if (before !== undefined) set.retire(before.generation);
  }
  return {clock, set, fakes};
}

const numbers = (generations: readonly StagedGeneration[]) => generations.map(({number}) => number);

describe('the generations that have a process', () => {
  test('one after another -> the last one serves, those before finish, the oldest first', () => {
    const {set, fakes} = openSet(3);
    assert.equal(set.current?.number, 3);
    assert.deepEqual(
      [numbers(set.all()), numbers(set.finishing())],
      [
        [1, 2, 3],
        [1, 2],
      ],
    );
    assert.deepEqual(numbers(set.listening()), [3]);
    assert.deepEqual(
      fakes.map(({told, state}) => [told, state.promoted]),
      [
        [['SIGUSR1'], 1],
        [['SIGUSR1'], 1],
        [[], 1],
      ],
    );
    assert.equal(fakes[0]?.ladders[0]?.[0]?.graceMs, 5000);
  });

  test('more than may drain -> the oldest are ended, once', () => {
    const {set, fakes} = openSet(4, 2);
    assert.deepEqual(
      fakes.map(({told}) => told),
      [['SIGUSR1', 'SIGTERM'], ['SIGUSR1'], ['SIGUSR1'], []],
    );
    const next = fakeGeneration(5);
    set.promote(next.generation);
    assert.deepEqual([fakes[0]?.told.length, fakes[1]?.told], [2, ['SIGUSR1', 'SIGTERM']]);
  });

  test('the one before is dead -> it goes among nobody; one that waits for its restart is still there', () => {
    for (const [job, remembered] of [
      [{is: 'FATAL', failures: 6, exit: EXIT}, []],
      [{is: 'STOPPED'}, []],
      [{is: 'BACKOFF', failures: 1, untilMs: 0, exit: EXIT}, [1]],
      [{is: 'STOPPING', sinceMs: 0, untilMs: 0, sent: undefined, ladder: []}, [1]],
    ] as const) {
      const {set, fakes} = openSet(1);
      const [first] = fakes;
      assert.ok(first !== undefined);
      first.state.job = job;
      assert.deepEqual(numbers(set.listening()), job.is === 'BACKOFF' ? [1] : []);
      set.promote(fakeGeneration(2).generation);
      assert.deepEqual(numbers(set.all()), [...remembered, 2]);
    }
  });

  test('one that is told to go -> is among those that go, once; the one that serves stays the one that serves', () => {
    const {set, fakes} = openSet(1);
    const stranger = fakeGeneration(9);
    assert.equal(set.has(stranger.generation), false);
    set.retire(stranger.generation);
    set.retire(stranger.generation);
    assert.deepEqual([numbers(set.all()), set.has(stranger.generation)], [[9, 1], true]);
    const [serving] = fakes;
    assert.ok(serving !== undefined);
    set.retire(serving.generation);
    assert.deepEqual([numbers(set.all()), set.current?.number], [[9, 1], 1]);
  });

  test('its process is gone -> forgotten, and said whether it was one that went', () => {
    const {set, fakes} = openSet(2);
    const [first, second] = fakes;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(
      [set.drop(second.generation), set.drop(first.generation), set.drop(first.generation)],
      [false, true, false],
    );
    assert.deepEqual(numbers(set.all()), [2]);
  });

  test('those that drain -> told with their PID and since when; not one without a process', async () => {
    const {clock, set, fakes} = openSet(3);
    await clock.advance(500);
    const [first] = fakes;
    assert.ok(first !== undefined);
    first.state.hasChild = false;
    assert.deepEqual(set.draining(), [{pid: 102, generation: 2, sinceMs: 500}]);
  });
});
