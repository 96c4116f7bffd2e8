import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  eventOfPass,
  newEventPlan,
  type PassOutcome,
  type PodEvent,
  planEvent,
} from '../../src/kubernetes/pod-events.ts';

const failed = (error: string, phasesMs: PassOutcome['phasesMs'] = {}): PassOutcome => ({
  pass: 7,
  verdict: 'failed',
  error,
  phasesMs,
});

test('eventOfPass, tries that fail alike -> the same news, whatever numbers they carry', () => {
  const tries = [2, 3].map(number =>
    eventOfPass(
      failed(
        `cannot validate /data/run/${number}.cfg: [ALERT] 32${number}/10050${number} (93${number}) : parsing [/data/run/${number}.cfg:12]`,
      ),
      true,
    ),
  );
  assert.deepEqual(tries[0], tries[1]);
  assert.equal(
    tries[0]?.message,
    'cannot validate proxy.cfg: [ALERT] : parsing [proxy.cfg:12]; the last good configuration stays',
  );
});

test('eventOfPass, what failed -> refused before the apply, a failed reload in it', () => {
  assert.equal(eventOfPass(failed('x'), false)?.reason, 'ConfigurationRefused');
  assert.equal(eventOfPass(failed('x', {apply: 3}), false)?.reason, 'ReloadFailed');
});

test('eventOfPass, went well -> told after failures only', () => {
  const good: PassOutcome = {pass: 8, verdict: 'ok', error: null, phasesMs: {}};
  assert.equal(eventOfPass(good, false), undefined);
  assert.equal(eventOfPass({...good, verdict: 'unchanged'}, true)?.reason, 'Recovered');
});

const eventOf = (message: string): PodEvent => ({type: 'Warning', reason: 'ReloadFailed', message});

/** Tells news at their times (ms) and keeps what was written: `create x 1`. */
function play(told: readonly (readonly [number, string])[]): string[] {
  let plan = newEventPlan(0);
  return told.flatMap(([atMs, message]) => {
    const [next, write] = planEvent(plan, eventOf(message), atMs);
    plan = next;
    return write === undefined ? [] : [`${write.is} ${write.event.message} ${write.event.count}`];
  });
}

describe('events', () => {
  test('the same news again -> one event, its count raised; others are others', () => {
    assert.deepEqual(
      play([
        [0, 'a'],
        [1000, 'a'],
        [2000, 'b'],
        [3000, 'a'],
      ]),
      ['create a 1', 'update a 2', 'create b 1', 'update a 3'],
    );
  });

  test('the same news much later -> an event of its own', () => {
    assert.deepEqual(
      play([
        [0, 'a'],
        [600_001, 'a'],
      ]),
      ['create a 1', 'create a 1'],
    );
  });

  test('a retry every second for an hour -> two writes a minute, nothing uncounted', () => {
    const written = play(Array.from({length: 3600}, (_, second) => [second * 1000, 'a'] as const));
    assert.ok(written.length <= 10 + 120, `${written.length} writes`);
    assert.ok(Number(written.at(-1)?.split(' ')[2]) > 100);
  });

  test('a thousand different ones -> a burst, then a trickle, bounded memory', () => {
    let plan = newEventPlan(0);
    let writes = 0;
    for (let index = 0; index < 1000; index += 1) {
      const [next, write] = planEvent(plan, eventOf(`${index} ${'x'.repeat(5000)}`), index * 100);
      plan = next;
      if (write !== undefined) writes += 1;
      assert.ok((write?.event.message.length ?? 0) <= 1000);
    }
    assert.ok(writes <= 14, `${writes}`);
    assert.ok(plan.events.size <= 51, `${plan.events.size}`);
  });
});
