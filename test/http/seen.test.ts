import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createSeenReader, type SeenParts} from '../../src/http/seen.ts';
import type {TroubleNow} from '../../src/proxy/trouble-watch.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const EPOCH = 1_500_000_000_000;

const DOWN: TroubleNow = {is: 'down', name: 'left', beganAt: null};
const QUEUE: TroubleNow = {is: 'queue', name: 'left', waiting: 3, beganAt: null};

/** All is well: one pod, one backend whose only server is where a pod left. */
const PARTS: SeenParts = {
  hosts: new Map([['web', ['10.0.0.1']]]),
  absence: {note: () => []},
  troubles: [],
  sharedBinds: [],
  text: 'backend left\n  server a 10.0.0.9:80\nbackend green\n  server g 10.0.0.8:80 disabled\n',
  isGone: ip => ip === '10.0.0.9',
  downSinceMs: undefined,
  failedPassAt: undefined,
  convergence: {damper: {is: 'calm'}},
  store: {healthy: () => true, awayMs: () => 0},
  canGoBack: true,
  silentSince: undefined,
  unwritten: undefined,
  historyFault: undefined,
};

/** What is seen 100 s after the clock began. */
const seenOf = (changes: Partial<SeenParts>) =>
  createSeenReader(createFakeClock(100_000, EPOCH))({...PARTS, ...changes});

describe('when things began', () => {
  test('nothing is wrong -> none of them', () => {
    const {began, nowAt} = seenOf({});
    assert.deepEqual(began, {down: null, failing: null, change: null, storeAway: null, silence: null});
    assert.equal(nowAt, EPOCH);
  });

  for (const [what, changes, began] of [
    ['HAProxy is down', {downSinceMs: 70_000}, {down: EPOCH - 30_000}],
    [
      'a change waits',
      {convergence: {damper: {is: 'waiting', firstAtMs: 90_000, lastAtMs: 99_000}}},
      {change: EPOCH - 10_000},
    ],
    ['the store is away', {store: {healthy: () => false, awayMs: () => 7000}}, {storeAway: EPOCH - 7000}],
    ['members are silent', {silentSince: 5}, {silence: 5}],
    ['a pass failed', {failedPassAt: 6}, {failing: 6}],
  ] as const satisfies readonly (readonly [string, Partial<SeenParts>, object])[]) {
    test(`${what} -> since then`, () => assert.deepEqual(seenOf(changes).began, {...seenOf({}).began, ...began}));
  }

  test('passes that fail in a row -> since the first of them; one that goes well ends that', () => {
    const seen = createSeenReader(createFakeClock());
    const failing = (failedPassAt: number | undefined) => seen({...PARTS, failedPassAt}).began.failing;
    assert.deepEqual([1, 2, undefined, 3].map(failing), [1, 1, null, 3]);
  });
});

describe('who is there', () => {
  test('an app with a pod -> somebody; apps without -> nobody', () => {
    assert.equal(seenOf({}).isAnybodyThere, true);
    for (const hosts of [new Map(), new Map([['web', []]])]) assert.equal(seenOf({hosts}).isAnybodyThere, false);
  });
});

describe('what HAProxy counts', () => {
  const GREEN: TroubleNow = {is: 'down', name: 'green', beganAt: null};

  test('the pods of a backend left -> it is empty, not down; one that the text disables -> nothing; all else as it is', () => {
    const troubles = [DOWN, GREEN, QUEUE];
    assert.deepEqual(seenOf({troubles}).troubles, [{is: 'emptied', name: 'left', beganAt: null}, QUEUE]);
    assert.deepEqual(seenOf({troubles, isGone: () => false}).troubles, [DOWN, QUEUE]);
    assert.deepEqual(seenOf({troubles, text: undefined}).troubles, troubles);
  });

  test('a backend was empty when HAProxy was looked at, and has a server since -> not down before the next look', () => {
    const seen = createSeenReader(createFakeClock());
    const emptied = [{is: 'emptied', name: 'left', beganAt: null}];
    const look = [DOWN];
    const back = {text: 'backend left\n  server a 10.0.0.7:80\n'};
    assert.deepEqual(seen({...PARTS, troubles: look}).troubles, emptied);
    assert.deepEqual(seen({...PARTS, ...back, troubles: look}).troubles, emptied);
    assert.deepEqual(seen({...PARTS, ...back, troubles: [DOWN]}).troubles, [DOWN]);
  });

  test('a backend is empty -> whoever left is missed for as long', () => {
    const absence: SeenParts['absence'] = {note: (_, areMissed) => [{app: String(areMissed), lastThereAt: null}]};
    const missed = (troubles: readonly TroubleNow[]) => seenOf({troubles, absence}).absent[0]?.app;
    assert.deepEqual([missed([DOWN]), missed([QUEUE])], ['true', 'false']);
  });
});
