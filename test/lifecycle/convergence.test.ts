import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  type Convergence,
  type ConvergenceEvent,
  describeCauses,
  isSettled,
  newConvergence,
  nextPassAtMs,
  stepConvergence,
} from '../../src/lifecycle/convergence.ts';
import {fc} from '../support/properties.ts';

const SETTINGS = {quietMs: 1000, maxMs: 4000};

type Timed = readonly [atMs: number, event: ConvergenceEvent];

const changed = (cause = 'web joined'): ConvergenceEvent => ({is: 'changed', cause});
const demanded: ConvergenceEvent = {is: 'demanded', cause: 'SIGHUP'};
const started: ConvergenceEvent = {is: 'started'};
const ended = (ok: boolean): ConvergenceEvent => ({is: 'ended', ok});

/** Begun, without the pass that this asks for. */
const awake: Convergence = {...newConvergence, pass: {is: 'none'}};

const after = (...events: Timed[]): Convergence =>
  events.reduce((state, [atMs, event]) => stepConvergence(state, event, atMs), awake);
const dueAfter = (nowMs: number, ...events: Timed[]) => nextPassAtMs(after(...events), SETTINGS, nowMs);

describe('convergence', () => {
  test('not begun -> no pass is due, whatever changes or is demanded; begun -> one, now, with all of it', () => {
    const asleep = [changed(), demanded].reduce((state, event) => stepConvergence(state, event, 5), newConvergence);
    assert.equal(nextPassAtMs(asleep, SETTINGS, 60_000), undefined);
    const begun = stepConvergence(asleep, {is: 'begun', cause: 'start'}, 60_000);
    assert.deepEqual(
      [nextPassAtMs(begun, SETTINGS, 60_000), describeCauses(begun)],
      [60_000, 'web joined, SIGHUP, start'],
    );
  });

  test('nothing happened -> no pass is due', () => {
    assert.equal(dueAfter(0), undefined);
  });

  test('changes -> due as the damper says', () => {
    assert.equal(dueAfter(600, [100, changed()], [600, changed()]), 1600);
  });

  test('a demand -> due now, whatever the damper holds', () => {
    assert.equal(dueAfter(200, [100, changed()], [200, demanded]), 200);
  });

  test('while a pass runs -> none is due, not even a demanded one', () => {
    assert.equal(dueAfter(300, [0, demanded], [1, started], [2, demanded], [3, changed()]), undefined);
  });

  test('fault 6: a change that came while a pass ran -> another pass, whether that one failed or not', () => {
    assert.equal(dueAfter(300, [0, demanded], [1, started], [200, changed()], [300, ended(true)]), 1200);
    assert.equal(dueAfter(300, [0, demanded], [1, started], [200, changed()], [300, ended(false)]), 1200);
  });

  test('a demand that came while a pass ran -> another pass right after', () => {
    assert.equal(dueAfter(300, [0, demanded], [1, started], [200, demanded], [300, ended(true)]), 300);
  });

  test('fault 6: failed passes -> retried after 1, 2, 4, ... s, at most 60 s; a success starts the count anew', () => {
    let state = awake;
    const delays = Array.from({length: 8}, () => {
      state = stepConvergence(stepConvergence(state, started, 0), ended(false), 0);
      return nextPassAtMs(state, SETTINGS, 0);
    });
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    state = stepConvergence(stepConvergence(state, started, 0), ended(true), 0);
    assert.equal(nextPassAtMs(state, SETTINGS, 0), undefined);
    state = stepConvergence(stepConvergence(state, started, 0), ended(false), 0);
    assert.equal(nextPassAtMs(state, SETTINGS, 0), 1000);
  });

  test('a change after a failure -> whichever is first, the retry or the damper', () => {
    const failed: Timed[] = [
      [0, started],
      [10, ended(false)],
    ];
    assert.equal(dueAfter(900, ...failed, [900, changed()]), 1010);
    const failedOften: Timed[] = [...failed, ...failed, ...failed];
    assert.equal(dueAfter(50, ...failedOften, [50, changed()]), 1050);
  });

  test('causes -> named once each, three at most, the rest counted; a retry says which', () => {
    const many = after(...['a', 'b', 'a', 'c', 'd', 'e'].map((cause): Timed => [0, changed(cause)]));
    assert.equal(describeCauses(many), 'a, b, c and 2 more');
    const four = after(...['a', 'b', 'c', 'd'].map((cause): Timed => [0, changed(cause)]));
    assert.equal(describeCauses(four), 'a, b, c and 1 more');
    assert.equal(describeCauses(after(...['a', 'b', 'c'].map((cause): Timed => [0, changed(cause)]))), 'a, b, c');
    // Ten pods join one by one, and each gets its number a moment later.
    const pods = Array.from({length: 10}, (_, index) => `joined web ${index}`);
    const settled = pods.map((cause): Timed => [0, {is: 'changed', cause, isRepeat: true}]);
    const joined = after(...pods.map((cause): Timed => [0, changed(cause)]), ...settled);
    assert.equal(describeCauses(joined), 'joined web 0, joined web 1, joined web 2 and 7 more');
    assert.equal(describeCauses(after(...settled.slice(0, 1))), 'joined web 0');
    assert.equal(describeCauses(after([0, started], [1, ended(false)])), 'retry 1 of a failed pass');
    assert.equal(describeCauses(after([0, changed('a')], [0, started])), 'asked for');
  });

  for (const [what, events, settled] of [
    ['no pass yet', [], false],
    ['a pass that runs', [[0, started]], false],
    [
      'a pass that succeeded',
      [
        [0, started],
        [1, ended(true)],
      ],
      true,
    ],
    [
      'a pass that failed',
      [
        [0, started],
        [1, ended(false)],
      ],
      false,
    ],
    [
      'a pass that succeeded after one that failed',
      [
        [0, started],
        [1, ended(false)],
        [2, started],
        [3, ended(true)],
      ],
      true,
    ],
    [
      'a change since the last pass',
      [
        [0, started],
        [1, ended(true)],
        [2, changed()],
      ],
      false,
    ],
    [
      'a change while it ran',
      [
        [0, started],
        [1, changed()],
        [2, ended(true)],
      ],
      false,
    ],
    [
      'a demand since the last pass',
      [
        [0, started],
        [1, ended(true)],
        [2, demanded],
      ],
      false,
    ],
    [
      'a change that a pass has taken in',
      [
        [0, changed()],
        [1, demanded],
        [2, started],
        [3, ended(true)],
      ],
      true,
    ],
  ] as const satisfies readonly (readonly [string, readonly Timed[], boolean])[]) {
    test(`settled, ${what} -> ${settled}`, () => {
      assert.equal(isSettled(after(...events)), settled);
    });
  }

  test('any events -> at most one pass runs, no change or demand is ever lost', () => {
    const event = fc.oneof(
      fc.constantFrom('a', 'b').map(changed),
      fc.constant(demanded),
      fc.record({is: fc.constant('ended' as const), ok: fc.boolean()}),
    );
    const steps = fc.array(fc.tuple(fc.nat(3000), event), {maxLength: 60, size: 'max'});
    fc.assert(
      fc.property(steps, events => {
        let state = awake;
        let nowMs = 0;
        let isRunning = false;
        let isOwed = false;
        for (const [waitMs, next] of events) {
          nowMs += waitMs;
          if (next.is === 'ended' && !isRunning) continue;
          state = stepConvergence(state, next, nowMs);
          if (next.is === 'ended') {
            isRunning = false;
            isOwed ||= !next.ok;
          } else {
            isOwed = true;
          }
          const dueMs = nextPassAtMs(state, SETTINGS, nowMs);
          assert.equal(dueMs !== undefined, isOwed && !isRunning);
          if (dueMs !== undefined && dueMs <= nowMs) {
            state = stepConvergence(state, started, nowMs);
            isRunning = true;
            isOwed = false;
          }
        }
      }),
      {numRuns: 500},
    );
  });
});
