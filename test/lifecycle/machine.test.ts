import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  isAllowed,
  type Machine,
  type MachineEffect,
  type MachineEvent,
  matchesGlob,
  newMachine,
  stepMachine,
} from '../../src/lifecycle/machine.ts';
import {manifestOf} from './fixtures.ts';

const MANIFEST = manifestOf(`
initial: setup
terminal: stop
states:
  - {tag: setup, next: [configure]}
  - {tag: configure, next: [configure, expose-via-*]}
  - {tag: expose-via-dns, next: [configure]}
  - {tag: stop, next: [configure]}
`);

const boot: MachineEvent = {is: 'boot'};
const stop: MachineEvent = {is: 'stop'};
const done: MachineEvent = {is: 'finished', ok: true};
const failed: MachineEvent = {is: 'finished', ok: false};
const ask = (id: number, tag = 'configure'): MachineEvent => ({is: 'requested', request: {id, tag}});

/** Effects as short words: `enter setup`, `cancel`, `OK 1`. */
const word = (effect: MachineEffect): string =>
  effect.do === 'enter'
    ? `enter ${effect.state.tag}`
    : effect.do === 'answer'
      ? `${effect.answer} ${effect.request.id}`
      : effect.do;

function run(...events: MachineEvent[]): {machine: Machine; words: string[][]} {
  let machine = newMachine;
  const words: string[][] = [];
  for (const event of events) {
    const [next, effects] = stepMachine(machine, event, MANIFEST);
    machine = next;
    words.push(effects.map(word));
  }
  return {machine, words};
}
const last = (...events: MachineEvent[]): string[] => run(...events).words.at(-1) ?? [];

describe('machine', () => {
  test('boot -> enters the initial state, once', () => {
    assert.deepEqual(run(boot, boot).words, [['enter setup'], []]);
  });

  test('a request at rest -> entered at once, answered when its work is done', () => {
    assert.deepEqual(run(boot, done, ask(1), done).words.slice(2), [['enter configure'], ['OK 1']]);
  });

  test('work that failed -> KO, the machine stays in that state', () => {
    const {machine, words} = run(boot, done, ask(1), failed);
    assert.deepEqual([words.at(-1), machine], [['KO 1'], {is: 'resting', tag: 'configure'}]);
  });

  test('requests while one runs -> queue, each in its turn', () => {
    const {words} = run(boot, ask(1), ask(2), done, done, done);
    assert.deepEqual(words, [['enter setup'], [], [], ['enter configure'], ['OK 1', 'enter configure'], ['OK 2']]);
  });

  test('a request -> allowed or not when its turn comes, not when it was made', () => {
    const {words} = run(boot, ask(1, 'expose-via-dns'), ask(2), ask(3, 'expose-via-dns'), ask(4, 'setup'), done, done);
    assert.deepEqual(words.slice(-2), [
      ['KO 1', 'enter configure'],
      ['OK 2', 'enter expose-via-dns'],
    ]);
    assert.deepEqual(last(boot, done, ask(1), ask(2, 'setup'), done), ['OK 1', 'KO 2']);
  });

  test('a tag that is no state, or none of next -> KO', () => {
    assert.deepEqual(last(boot, done, ask(1, 'nowhere')), ['KO 1']);
    assert.deepEqual(last(boot, done, ask(1, 'setup')), ['KO 1']);
  });

  test('the terminal state -> always allowed, and the end: whatever is asked then is refused', () => {
    assert.deepEqual(last(boot, done, ask(1, 'stop')), ['enter stop']);
    const {machine, words} = run(boot, done, ask(1, 'stop'), ask(2), done, ask(3), stop, boot);
    assert.deepEqual(words.slice(4), [['OK 1', 'KO 2'], ['KO 3'], [], []]);
    assert.deepEqual(machine, {is: 'ended', tag: 'stop'});
  });

  test('before the boot -> refused', () => {
    assert.deepEqual(last(ask(1)), ['KO 1']);
  });

  test('stop -> what waits is refused, what runs may be cancelled, the terminal state comes next', () => {
    assert.deepEqual(last(boot, done, stop), ['enter stop']);
    const {machine, words} = run(boot, done, ask(1), ask(2), stop, ask(3), failed, done);
    assert.deepEqual(words.slice(3), [[], ['KO 2', 'cancel'], ['KO 3'], ['KO 1', 'enter stop'], []]);
    assert.deepEqual(machine, {is: 'ended', tag: 'stop'});
  });

  test('stop, twice or during the terminal state -> nothing more', () => {
    assert.deepEqual(last(boot, done, stop, stop), []);
    assert.deepEqual(last(boot, stop, stop), []);
  });
});

describe('allowed', () => {
  test('from and to -> a glob of next, or the terminal state; never out of it', () => {
    assert.equal(isAllowed(MANIFEST, 'configure', 'expose-via-dns'), true);
    assert.equal(isAllowed(MANIFEST, 'configure', 'setup'), false);
    assert.equal(isAllowed(MANIFEST, 'setup', 'stop'), true);
    assert.equal(isAllowed(MANIFEST, 'stop', 'configure'), false);
    assert.equal(isAllowed(MANIFEST, 'stop', 'stop'), false);
    assert.equal(isAllowed(MANIFEST, 'configure', 'expose-via-nowhere'), false);
  });

  for (const [glob, text, expected] of [
    ['*', 'configure', true],
    ['expose-via-*', 'expose-via-dns', true],
    ['expose-via-*', 'expose-via-', true],
    ['expose-via-*', 'expose', false],
    ['stage-?', 'stage-1', true],
    ['stage-?', 'stage-12', false],
    ['stage-[ab]', 'stage-b', true],
    ['stage-[!ab]', 'stage-b', false],
    ['stage-[!ab]', 'stage-c', true],
    ['stage-[', 'stage-[', true],
    ['a.b', 'axb', false],
    ['a+(b)', 'a+(b)', true],
    ['', '', true],
    ['', 'x', false],
  ] as const) {
    test(`glob "${glob}" on "${text}" -> ${expected}`, () => assert.equal(matchesGlob(glob, text), expected));
  }
});
