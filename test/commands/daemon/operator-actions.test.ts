import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createActions} from '../../../src/commands/daemon/operator-actions.ts';
import {DaemonError} from '../../../src/errors.ts';
import type {HistoryEntry, TextRef} from '../../../src/lifecycle/history.ts';

const SERVED = 'global\n';

/** Whom a preview leaves out. */
const OUT = {
  app: 'web',
  ip: '10.0.0.1',
  id: 'web-1',
  reason: 'weight',
  sinceAt: 0,
  served: 'not at all',
  overBound: false,
} as const;

const entryOf = (pass: number, digest: string) =>
  ({pass, verdict: 'ok', startedAt: pass, template: {digest, bytes: 1}}) as HistoryEntry;

/** Actions over a history of two passes, of which the first one's template is kept. */
function openStage(deviations = 0, newest = 'newest', isByHandPerhaps = false) {
  const told: string[] = [];
  const faults: {pass?: Error; preview?: Error; refused?: string} = {};
  let held: {pass: number; template: string; sinceAt: number} | undefined;
  const without = [OUT];
  const entries = [entryOf(1, 'A'), entryOf(2, 'B')];
  /** What somebody removed the files of, once that is noticed. */
  const lost = new Set<number>();
  const hold = (pass: number, template: string) => {
    held = {pass, template, sinceAt: 0};
  };
  const actions = createActions({
    history: {
      entries,
      settled: async () => void told.push('settled'),
      async template({pass}: HistoryEntry) {
        if (pass === 1) return 'first';
        lost.add(pass);
        return undefined;
      },
      isKept: ({digest}: TextRef) => !entries.some(({pass, template}) => template?.digest === digest && lost.has(pass)),
    } as unknown as Parameters<typeof createActions>[0]['history'],
    rollback: {
      get current() {
        return held;
      },
      begin: async (pass, template) => hold(pass, template),
      async release() {
        held = undefined;
        return true;
      },
      async restore(earlier) {
        held = earlier;
      },
    },
    async demand(cause) {
      told.push(cause);
      if (faults.pass !== undefined) throw faults.pass;
    },
    setLogLevel: level => void told.push(level),
    doubt: () => void told.push('doubt'),
    drift: () => ({count: deviations}),
    isByHandPerhaps: () => isByHandPerhaps,
    async tryOut(template) {
      if (faults.preview !== undefined) throw faults.preview;
      return {text: `${SERVED}  # ${template ?? 'today'}\n`, without};
    },
    quarantined: () => without,
    refusal: () => faults.refused,
    examine: async () => ({findings: [], text: SERVED, foreseen: {way: 'unchanged', why: 'equal'}}),
    loadTemplate: async () => newest,
    served: () => SERVED,
    hideSecrets: said => said.replaceAll('hunter2', '***'),
  });
  return {actions, told, faults, entries, hold, held: () => held?.pass};
}

describe('what operators may do', () => {
  test('a pass now, HAProxy runs something else than its text -> its text is doubted; answered with the pass', async () => {
    const {actions, told} = openStage(1);
    assert.deepEqual(await actions.reconfigure(false), {is: 'done', answer: {last: entryOf(2, 'B')}});
    assert.deepEqual(told, ['doubt', 'asked for by an operator', 'settled']);
    const stopped = openStage(0, 'newest', true);
    await stopped.actions.reconfigure(false);
    assert.equal(stopped.told[0], 'doubt');
    const well = openStage();
    await well.actions.reconfigure(false);
    assert.deepEqual(well.told, ['asked for by an operator', 'settled']);
  });

  test('a rollback -> held, then a pass; one that fails -> what was held before is held again, with a pass of its own', async () => {
    const {actions, told, held} = openStage();
    const done = await actions.rollback({is: 'pass', pass: 1}, false);
    assert.deepEqual([done.is, 'answer' in done && done.answer.held, held()], ['done', {pass: 1}, 1]);
    assert.deepEqual('answer' in done && done.answer.without, [OUT]);
    assert.ok(told.includes('rollback to the template of pass 1'));

    const next = openStage();
    next.hold(7, 'seventh');
    next.faults.pass = new DaemonError('VALIDATE', 'unknown keyword');
    await assert.rejects(next.actions.rollback({is: 'last'}, false), {message: 'unknown keyword'});
    assert.deepEqual([next.held(), next.told.at(-1)], [7, 'rollback undone']);
    // With the pods named that it would work without.
    next.faults.refused = 'unknown keyword; it works without web 10.0.0.1 (web-1)';
    await assert.rejects(next.actions.rollback({is: 'last'}, false), {code: 'VALIDATE', message: /works without web/});
  });

  test('a rollback to what is not there, or kept no longer -> said, nothing is held', async () => {
    const {actions, held} = openStage();
    assert.equal((await actions.rollback({is: 'pass', pass: 9}, false)).is, 'unknown');
    assert.deepEqual(await actions.rollback({is: 'pass', pass: 2}, false), {
      is: 'gone',
      reason: 'the template of pass 2 is no longer kept',
    });
    assert.equal(held(), undefined);
  });

  test('a rollback to the last other template, whose file is gone -> to the one before; there is none: said', async () => {
    const {actions, entries} = openStage();
    entries.push(entryOf(3, 'C'));
    const done = await actions.rollback({is: 'last'}, false);
    assert.deepEqual('answer' in done && done.answer.held, {pass: 1});
    entries.shift();
    assert.equal((await actions.rollback({is: 'last'}, false)).is, 'unknown');
  });

  test('a release -> nothing is held, then a pass; without a rollback -> idle', async () => {
    const {actions, told, hold, held} = openStage();
    assert.deepEqual(await actions.release(false), {is: 'idle', reason: 'no rollback is held'});
    hold(1, 'first');
    const done = await actions.release(false);
    assert.deepEqual([done.is, 'answer' in done && done.answer.released, held()], ['done', {pass: 1}, undefined]);
    assert.ok(told.includes('rollback to pass 1 released'));
  });

  test('a release whose pass fails -> done all the same, with what it failed of, without secrets', async () => {
    const {actions, hold, held, faults} = openStage();
    hold(1, 'first');
    faults.pass = new DaemonError('VALIDATE', 'unknown keyword hunter2');
    const done = await actions.release(false);
    assert.deepEqual(
      [done.is, 'answer' in done && done.answer.error, held()],
      ['done', 'unknown keyword ***', undefined],
    );
    hold(1, 'first');
    faults.pass = new TypeError('a bug');
    await assert.rejects(actions.release(false), {message: 'a bug'});
  });

  test('a difference that is longer than anybody reads -> cut, and said so', async () => {
    const shownWith = async (newest: string) => {
      const {actions, hold} = openStage(0, newest);
      hold(7, 'seventh');
      const shown = await actions.release(true);
      const {difference} = ('answer' in shown ? shown.answer : {}) as {difference: {text: string; tooLarge: boolean}};
      return difference;
    };
    const whole = await shownWith('');
    assert.equal(whole.tooLarge, false);
    const room = 200_000 - whole.text.length;
    assert.equal((await shownWith('x'.repeat(room))).text.length, 200_000);
    assert.equal((await shownWith('x'.repeat(room + 1))).tooLarge, true);
  });

  test('a preview of each -> what would change, with the template it would have; nothing happens', async () => {
    const {actions, told, hold, held} = openStage();
    hold(7, 'seventh');
    for (const [show, comment, pass] of [
      [() => actions.reconfigure(true), 'today', undefined],
      [() => actions.rollback({is: 'pass', pass: 1}, true), 'first', 1],
      [() => actions.release(true), 'newest', 7],
    ] as const) {
      const shown = await show();
      assert.ok(shown.is === 'shown');
      assert.deepEqual([shown.answer.works, shown.answer.reason, shown.answer.pass], [true, null, pass]);
      const difference = JSON.stringify(shown.answer.difference);
      assert.match(difference, new RegExp(`\\+ {2}# ${comment}`));
      assert.doesNotMatch(difference, /\+global/);
      assert.deepEqual(shown.answer.without, [OUT]);
    }
    assert.deepEqual([held(), told.filter(one => one !== 'settled')], [7, []]);
  });

  test('a preview that fails -> why, without secrets; of a bug of ours -> rejected', async () => {
    const {actions, faults} = openStage();
    faults.preview = new DaemonError('RENDER', 'cannot render hunter2');
    const answer = {works: false, reason: 'cannot render ***', difference: null, without: []};
    assert.deepEqual(await actions.reconfigure(true), {is: 'shown', answer});
    faults.preview = new TypeError('a bug');
    await assert.rejects(actions.reconfigure(true), {message: 'a bug'});
  });

  test('a level of the log -> set', async () => {
    const {actions, told} = openStage();
    assert.deepEqual(await actions.setLogLevel('debug'), {is: 'done', answer: {level: 'debug'}});
    assert.deepEqual(told, ['debug']);
  });
});
