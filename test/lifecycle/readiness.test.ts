import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {newConvergence} from '../../src/lifecycle/convergence.ts';
import {
  createReadiness,
  failedPassAt,
  isInSync,
  isServing,
  lastErrorOf,
  type SyncFacts,
  servesKnownText,
} from '../../src/lifecycle/readiness.ts';

describe('readiness', () => {
  const stage = () => {
    const now = {serves: false, isApplying: false, isWarm: false, isStopping: false};
    return {now, isReady: createReadiness(() => now)};
  };

  test('serving but not warm, or warm but not serving -> not ready', () => {
    const {now, isReady} = stage();
    now.serves = true;
    assert.equal(isReady(), false);
    Object.assign(now, {serves: false, isWarm: true});
    assert.equal(isReady(), false);
    now.serves = true;
    assert.equal(isReady(), true);
  });

  test('once ready -> for as long as anything serves, though it would not be warm now', () => {
    const {now, isReady} = stage();
    Object.assign(now, {serves: true, isWarm: true});
    assert.equal(isReady(), true);
    now.isWarm = false;
    assert.equal(isReady(), true);
    now.serves = false;
    assert.equal(isReady(), false);
    now.serves = true;
    assert.equal(isReady(), true);
  });

  test('what it serves first is on its way -> ready when /state tells of it; later changes take nothing back', () => {
    const {now, isReady} = stage();
    Object.assign(now, {serves: true, isWarm: true, isApplying: true});
    assert.equal(isReady(), false);
    now.isApplying = false;
    assert.equal(isReady(), true);
    now.isApplying = true;
    assert.equal(isReady(), true);
  });

  test('the daemon stops -> never ready again', () => {
    const {now, isReady} = stage();
    Object.assign(now, {serves: true, isWarm: true});
    isReady();
    now.isStopping = true;
    assert.equal(isReady(), false);
  });
});

test('serving -> it runs and does not hang', () => {
  assert.equal(isServing({state: 'RUNNING', isHung: false}), true);
  assert.equal(isServing({state: 'RUNNING', isHung: true}), false);
  for (const isHung of [false, true]) assert.equal(isServing({state: 'STARTING', isHung}), false);
});

test('serving a text that we know -> it serves, and there is one', () => {
  const status = {state: 'RUNNING', isHung: false} as const;
  assert.equal(servesKnownText({text: 'global', status}), true);
  assert.equal(servesKnownText({text: undefined, status}), false);
  assert.equal(servesKnownText({text: 'global', status: {...status, isHung: true}}), false);
});

describe('in sync', () => {
  const settled: SyncFacts = {
    applied: {},
    last: {verdict: 'ok', error: null},
    convergence: {...newConvergence, pass: {is: 'succeeded'}},
    serves: true,
    deviations: 0,
    quarantined: 0,
  };

  test('applied, settled, running -> in sync; its text may have come out equal', () => {
    assert.equal(isInSync(settled), true);
    assert.equal(isInSync({...settled, last: {verdict: 'unchanged', error: null}}), true);
  });

  const faults: Readonly<Record<string, Partial<SyncFacts>>> = {
    'nothing was applied yet': {applied: undefined},
    'the last pass failed': {last: {verdict: 'failed', error: 'cannot render'}},
    'a pass runs': {convergence: {...newConvergence, pass: {is: 'running'}}},
    'a pass is demanded': {convergence: {...settled.convergence, demanded: true}},
    'HAProxy starts again, or hangs': {serves: false},
    'HAProxy was seen to run something else': {deviations: 1},
    'a member is in quarantine': {quarantined: 1},
  };
  for (const [name, fault] of Object.entries(faults)) {
    test(`${name} -> not in sync`, () => assert.equal(isInSync({...settled, ...fault}), false));
  }

  test('a pass that failed -> when it was started', () => {
    assert.equal(failedPassAt({verdict: 'failed', startedAt: 5}), 5);
    assert.equal(failedPassAt({verdict: 'ok', startedAt: 5}), undefined);
    assert.equal(failedPassAt(undefined), undefined);
  });

  test('the reason of a failure -> told until a pass goes well', () => {
    assert.equal(lastErrorOf({verdict: 'failed', error: 'cannot render'}), 'cannot render');
    assert.equal(lastErrorOf({verdict: 'ok', error: null}), null);
    assert.equal(lastErrorOf(undefined), null);
  });
});
