import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  eventOfCertificate,
  eventOfDrift,
  eventOfFatal,
  eventOfPass,
  eventOfProblem,
  eventOfQuarantine,
  newEventPlan,
  type PassOutcome,
  type PodEvent,
  planEvent,
} from '../../src/kubernetes/pod-events.ts';
import {createKnownSecrets} from '../../src/proxy/known-secrets.ts';
import {headOf, SECRET_LINES} from '../proxy/secret-lines.ts';
import {fc} from '../support/properties.ts';

const failed = (error: string, phasesMs: PassOutcome['phasesMs'] = {}): PassOutcome => ({
  pass: 7,
  generation: 3,
  verdict: 'failed',
  error,
  phasesMs,
});

/** What is written of an event that nobody told before. */
const writtenOf = (event: PodEvent | undefined, hide = (said: string) => said) =>
  event && planEvent(newEventPlan(0), event, 0, hide)[1]?.event;

test('a pass, tries that fail alike -> the same news, whatever numbers they carry', () => {
  const tries = [2, 3].map(number =>
    writtenOf(
      eventOfPass(
        failed(
          `cannot validate /data/run/${number}.cfg: [ALERT] 32${number}/10050${number} (93${number}) : parsing [/data/run/${number}.cfg:12]`,
        ),
        true,
      ),
    ),
  );
  assert.deepEqual(tries[0], tries[1]);
  assert.equal(
    tries[0]?.message,
    'cannot validate proxy.cfg: [ALERT] : parsing [proxy.cfg:12]; the last good configuration stays',
  );
});

/** Whatever is told of a text that is refused, or of what stands in it. */
const TELLERS: readonly ((said: string) => PodEvent | undefined)[] = [
  said => eventOfPass(failed(said), false),
  eventOfFatal,
  said => eventOfDrift(said, 2),
  said => eventOfQuarantine({app: 'web', ip: '10.0.0.1', id: 'a', reason: said, served: 'not at all'}),
  said => eventOfProblem({kind: 'backend-down', what: said, why: said}, false),
  said => eventOfProblem({kind: 'backend-down', what: said, why: said}, true),
  said => eventOfCertificate(said, said),
];

/**
 * With what is taken out of messages in the midst of it; made up by their looks, since some lines hide nothing else.
 * Comments are left out: nobody quotes them.
 */
const SECRETS = ['hunter2Xyzzy', 'hunter2(12)Xyzzy', 'hunter2x/run/7.cfgXyzzy', 'hunter2x-123/456789-Xyzzy'];

test('any event of a text with a secret, wherever its message is cut -> no part of the secret', () => {
  const lines = Object.entries(SECRET_LINES).flatMap(([section, own]) =>
    own.filter(line => !line.startsWith('#')).map(line => ({section, line})),
  );
  const told = fc.record({
    teller: fc.constantFrom(...TELLERS),
    place: fc.constantFrom(...lines),
    secret: fc.constantFrom(...SECRETS),
    before: fc.nat(1000),
  });
  fc.assert(
    fc.property(told, ({teller, place: {section, line}, secret, before}) => {
      const text = line.replaceAll('§', secret);
      const known = createKnownSecrets();
      known.learn(`${headOf(section)}\n  ${text}\n`);
      const written = writtenOf(teller(`${'x '.repeat(before / 2)}unknown keyword in '${text}'`), known.hide);
      assert.doesNotMatch(written?.message ?? '', /hunter2|Xyzzy/);
    }),
  );
});

test('eventOfPass, what failed -> refused before the apply, a failed reload in it', () => {
  assert.equal(eventOfPass(failed('x'), false)?.reason, 'ConfigurationRefused');
  assert.equal(eventOfPass(failed('x', {apply: 3}), false)?.reason, 'ReloadFailed');
});

test('eventOfPass, went well -> told after failures only', () => {
  const good: PassOutcome = {pass: 8, generation: 3, verdict: 'ok', error: null, phasesMs: {}};
  assert.equal(eventOfPass(good, false), undefined);
  assert.equal(eventOfPass({...good, verdict: 'unchanged'}, true)?.reason, 'Recovered');
});

const eventOf = (message: string): PodEvent => ({type: 'Warning', reason: 'ReloadFailed', message});

/** Tells news at their times (ms) and keeps what was written: `create x 1`. */
function play(told: readonly (readonly [number, string])[]): string[] {
  let plan = newEventPlan(0);
  return told.flatMap(([atMs, message]) => {
    const [next, write] = planEvent(plan, eventOf(message), atMs, said => said);
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
      const [next, write] = planEvent(plan, eventOf(`${index} ${'x'.repeat(5000)}`), index * 100, said => said);
      plan = next;
      if (write !== undefined) writes += 1;
      assert.ok((write?.event.message.length ?? 0) <= 1000);
    }
    assert.ok(writes <= 14, `${writes}`);
    assert.ok(plan.events.size <= 51, `${plan.events.size}`);
  });
});
