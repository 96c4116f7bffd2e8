import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {matchesGlob} from '../../src/lifecycle/glob.ts';
import {
  describeRefusal,
  FORCE_GRACE_MS,
  isAllowed,
  MAX_QUEUE,
  type Machine,
  type MachineEffect,
  type MachineEvent,
  newMachine,
  nextDueMs,
  stepMachine,
} from '../../src/lifecycle/machine.ts';
import {manifestOf} from './fixtures.ts';

const MANIFEST = manifestOf(`
initial: setup
terminal: stop
states:
  - {tag: setup, next: [configure]}
  - {tag: configure, shell: 'true', next: [configure, expose-via-*, slow, forced]}
  - {tag: expose-via-dns, next: [configure]}
  - {tag: slow, timeout: 5, next: [configure]}
  - {tag: forced, force: true, next: [configure]}
  - {tag: stop, next: [configure]}
`);

const boot: MachineEvent = {is: 'boot'};
const stop: MachineEvent = {is: 'stop'};
const done: MachineEvent = {is: 'finished', ok: true};
const failed: MachineEvent = {is: 'finished', ok: false};
const wake: MachineEvent = {is: 'wake'};

/** `WAIT`; the time of a request is when it is sent. */
const ask = (id: number, tag = 'configure', until: 'entered' | 'finished' = 'finished'): MachineEvent => ({
  is: 'requested',
  request: {id, tag, atMs: 0, until},
});
const goTo = (id: number, tag = 'configure') => ask(id, tag, 'entered');

/** Effects as short words: `enter setup`, `cancel stop`, `OK 1`. */
const word = (effect: MachineEffect): string =>
  effect.do === 'enter'
    ? `enter ${effect.state.tag}`
    : effect.do === 'answer'
      ? `${effect.answer} ${effect.request.id}`
      : `cancel ${effect.why}`;

/** Runs events; a number lets so many milliseconds pass. */
function run(...events: (MachineEvent | number)[]): {machine: Machine; words: string[][]; dueMs: number | undefined} {
  let machine = newMachine;
  let nowMs = 0;
  const words: string[][] = [];
  for (const given of events) {
    if (typeof given === 'number') {
      nowMs += given;
      continue;
    }
    const event = given.is === 'requested' ? {...given, request: {...given.request, atMs: nowMs}} : given;
    const [next, effects] = stepMachine(machine, event, nowMs, MANIFEST);
    machine = next;
    words.push(effects.map(word));
  }
  return {machine, words, dueMs: nextDueMs(machine, MANIFEST)};
}
const last = (...events: (MachineEvent | number)[]): string[] => run(...events).words.at(-1) ?? [];

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
    assert.deepEqual(words.slice(3), [['KO 2'], ['OK 1'], ['KO 3'], [], []]);
    assert.deepEqual(machine, {is: 'ended', tag: 'stop'});
  });

  test('before the boot -> refused', () => {
    assert.deepEqual(last(ask(1)), ['KO 1']);
  });

  test('stop -> what waits is refused, what runs may be cancelled, the terminal state comes next', () => {
    assert.deepEqual(last(boot, done, stop), ['enter stop']);
    const {machine, words} = run(boot, done, ask(1), ask(2), stop, ask(3), failed, done);
    assert.deepEqual(words.slice(3), [[], ['KO 2', 'cancel stop'], ['KO 3'], ['KO 1', 'enter stop'], []]);
    assert.deepEqual(machine, {is: 'ended', tag: 'stop'});
  });

  test('stop, twice or during the terminal state -> nothing more', () => {
    assert.deepEqual(last(boot, done, stop, stop), []);
    assert.deepEqual(last(boot, stop, stop), []);
  });
});

describe('machine, GOTO', () => {
  test('at rest -> OK once entered, nothing more at the end', () => {
    assert.deepEqual(run(boot, done, goTo(1), failed).words.slice(2), [['enter configure', 'OK 1'], []]);
  });

  test('while another runs -> OK once it is entered in its turn', () => {
    assert.deepEqual(run(boot, goTo(1), done).words.slice(1), [[], ['enter configure', 'OK 1']]);
  });

  test('refused -> KO', () => {
    assert.deepEqual(last(boot, done, goTo(1, 'setup')), ['KO 1']);
  });
});

describe('machine, cancelling', () => {
  test('a request that has waited for a second -> supersedes what runs, once', () => {
    assert.equal(run(boot, done, ask(1), 500, ask(2)).dueMs, 1500);
    assert.deepEqual(run(boot, done, ask(1), 500, ask(2), 999, wake, 1, wake, 5000, wake).words.slice(4), [
      [],
      ['cancel superseded'],
      [],
    ]);
    assert.deepEqual(last(boot, done, ask(1), ask(2), 1000, wake, failed), ['KO 1', 'enter configure']);
  });

  test('a request that would be refused in its turn -> supersedes nothing; the first that would be taken does', () => {
    assert.equal(run(boot, done, ask(1), ask(2, 'setup'), ask(3, 'nowhere')).dueMs, undefined);
    assert.equal(run(boot, done, ask(1), ask(2, 'setup'), 300, ask(3)).dueMs, 1300);
  });

  test('it waited already when the state was entered -> superseded at once', () => {
    assert.deepEqual(last(boot, done, ask(1), ask(2), ask(3), 1000, done), [
      'OK 1',
      'enter configure',
      'cancel superseded',
    ]);
  });

  test('force -> never superseded', () => {
    assert.equal(run(boot, done, ask(1), done, ask(2, 'forced'), ask(3)).dueMs, undefined);
    assert.deepEqual(last(boot, done, ask(1), done, ask(2, 'forced'), ask(3), 60_000, wake), []);
  });

  test('timeout -> cancelled in its time, whoever waits', () => {
    assert.equal(run(boot, done, ask(1), done, ask(2, 'slow')).dueMs, 5000);
    assert.deepEqual(last(boot, done, ask(1), done, ask(2, 'slow'), 5000, wake), ['cancel timeout']);
    assert.deepEqual(last(boot, done, ask(1), done, ask(2, 'slow'), 5000, wake, failed), ['KO 2']);
  });

  test('stop -> a state with force gets its grace; one that was superseded is told again', () => {
    const forced = run(boot, done, ask(1), done, ask(2, 'forced'), stop);
    assert.deepEqual([forced.words.at(-1), forced.dueMs], [[], FORCE_GRACE_MS]);
    assert.deepEqual(last(boot, done, ask(1), done, ask(2, 'forced'), stop, FORCE_GRACE_MS, wake), ['cancel stop']);
    assert.deepEqual(last(boot, done, ask(1), ask(2), 1000, wake, stop), ['KO 2', 'cancel stop']);
  });

  test('withdrawn -> KO, and no longer the next', () => {
    const withdrawn: MachineEvent = {is: 'withdrawn', id: 2};
    assert.deepEqual(run(boot, done, ask(1), ask(2), 1000, wake, withdrawn, failed).words.slice(5), [
      ['KO 2'],
      ['KO 1'],
    ]);
    assert.deepEqual(last(boot, done, {is: 'withdrawn', id: 9}), []);
  });

  test('more requests than the queue holds -> refused', () => {
    const many = Array.from({length: MAX_QUEUE}, (_, index) => ask(index));
    assert.deepEqual(last(boot, ...many, ask(MAX_QUEUE)), [`KO ${MAX_QUEUE}`]);
  });
});

describe('why a request is refused', () => {
  const resting = (tag: string): Machine => ({is: 'resting', tag});
  const why = (from: Machine, tag: string, after = from) => describeRefusal(from, after, tag, MANIFEST);

  test('no such state, or none that may follow -> those that may', () => {
    assert.equal(
      why(resting('setup'), 'expose'),
      'cannot go from setup to expose: there is no such state; from setup it may go to configure, stop',
    );
    assert.equal(
      why(resting('configure'), 'setup'),
      'cannot go from configure to setup: not allowed; from configure it may go to configure, expose-via-dns, slow, forced, stop',
    );
  });

  test('before the boot, or once it stops -> that', () => {
    assert.match(why(newMachine, 'configure'), /: the daemon is not that far$/);
    assert.match(why(resting('configure'), 'configure', {is: 'ended', tag: 'stop'}), /: the daemon stops$/);
  });

  test('hundreds of states -> as many as can be read', () => {
    const many = Array.from(
      {length: 300},
      (_, index) => `  - {tag: ${index === 50 ? 'configure' : `s${index}`}, shell: 'true', next: ['*']}`,
    ).join('\n');
    const manifest = manifestOf(`initial: s0\nterminal: s1\nstates:\n${many}\n`);
    const told = describeRefusal(resting('s0'), resting('s0'), 'x', manifest);
    assert.match(told, /may go to s0, s1, .*, s19, \.\.\.$/);
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
