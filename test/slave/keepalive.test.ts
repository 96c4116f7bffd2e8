import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  derivePeriodMs,
  deriveRetryMs,
  INITIAL_KEEPALIVE,
  type Keepalive,
  type KeepaliveEffect,
  type KeepaliveEvent,
  stepKeepalive,
} from '../../src/slave/keepalive.ts';
import {fc} from '../support/properties.ts';

const settings = {periodMs: 18_750};
const reachable = {is: 'reachable'} as const;
const waiting: Keepalive = {is: 'waiting', standing: reachable};
const asking: Keepalive = {is: 'asking', standing: reachable, again: false};
const lost: Keepalive = {is: 'asking', standing: {is: 'unreachable', failures: 9}, again: false};
const ping: KeepaliveEffect = {do: 'send', down: false};
const down: KeepaliveEffect = {do: 'send', down: true};
const refused: KeepaliveEvent = {is: 'failed', reason: 'connect ECONNREFUSED'};

describe('keepalive step', () => {
  const rows: [string, Keepalive, KeepaliveEvent, Keepalive, KeepaliveEffect[]][] = [
    [
      'initial, due -> first ping',
      INITIAL_KEEPALIVE,
      {is: 'due'},
      {...asking, standing: {is: 'unknown'}},
      [{do: 'send', down: false}],
    ],
    [
      'first ping, answered -> reported, next one after a period',
      {...asking, standing: {is: 'unknown'}},
      {is: 'answered', status: 200},
      waiting,
      [{do: 'report-reachable'}, {do: 'wait', delayMs: 18_750}],
    ],
    ['asking, answered 204 -> waits, unreported', asking, {is: 'answered', status: 204}, waiting, [wait(18_750)]],
    [
      'asking, answered 503 -> reported, retried',
      asking,
      {is: 'answered', status: 503},
      {is: 'waiting', standing: {is: 'unreachable', failures: 1}},
      [{do: 'report-unreachable', reason: 'the master answered 503'}, wait(deriveRetryMs(1))],
    ],
    [
      'asking, answered 302 -> not followed, retried',
      asking,
      {is: 'answered', status: 302},
      {is: 'waiting', standing: {is: 'unreachable', failures: 1}},
      [{do: 'report-unreachable', reason: 'the master answered 302'}, wait(deriveRetryMs(1))],
    ],
    [
      'unreachable, fails again -> longer wait, unreported',
      lost,
      refused,
      {is: 'waiting', standing: {is: 'unreachable', failures: 10}},
      [wait(700)],
    ],
    [
      'unreachable, answered -> reported',
      lost,
      {is: 'answered', status: 200},
      waiting,
      [{do: 'report-reachable'}, wait(18_750)],
    ],
    ['waiting, payload changed -> ping at once', waiting, {is: 'changed'}, asking, [ping]],
    ['asking, payload changed -> remembered', asking, {is: 'changed'}, {...asking, again: true}, []],
    [
      'asking with a change, answered -> another ping',
      {...asking, again: true},
      {is: 'answered', status: 200},
      asking,
      [ping],
    ],
    ['waiting, stopped -> down', waiting, {is: 'stopped'}, {is: 'leaving'}, [down]],
    ['asking, stopped -> down', asking, {is: 'stopped'}, {is: 'leaving'}, [down]],
    ['leaving, failed -> gone, not retried', {is: 'leaving'}, refused, {is: 'gone'}, []],
    ['leaving, stopped again -> no second down', {is: 'leaving'}, {is: 'stopped'}, {is: 'leaving'}, []],
  ];
  for (const [name, state, event, nextState, effects] of rows) {
    test(name, () => assert.deepEqual(stepKeepalive(state, event, settings), [nextState, effects]));
  }

  test('back-off -> 8 tries in 1.5 s, then the gaps of 2017, 10 s at most', () => {
    const gaps = Array.from({length: 20}, (_, failures) => deriveRetryMs(failures + 1));
    const firstSeven = gaps.slice(0, 7).reduce((sum, gap) => sum + gap, 0);
    assert.ok(firstSeven > 1400 && firstSeven < 1600, `${firstSeven}`);
    assert.deepEqual(gaps.slice(7, 16), [325, 450, 700, 1200, 2200, 4200, 8200, 10_000, 10_000]);
    assert.equal(deriveRetryMs(5000), 10_000);
  });

  test('period -> three quarters of the TTL', () => assert.equal(derivePeriodMs(25_000), 18_750));

  test('any events -> one thing pending until stopped, changes sent, down sent once and last', () => {
    const anyEvent = fc.oneof(
      {weight: 4, arbitrary: fc.constant('progress' as const)},
      {weight: 2, arbitrary: fc.constant('changed' as const)},
      {weight: 1, arbitrary: fc.constantFrom('stray due' as const, 'stray answer' as const)},
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyEvent, fc.constantFrom(200, 204, 302, 400, 503, 0))),
        fc.nat(40),
        (events, at) => {
          const world = createWorld();
          world.feed({is: 'due'});
          const stopAt = at < events.length ? at : -1;
          for (const [index, [kind, status]] of events.entries()) {
            if (index === stopAt) world.feed({is: 'stopped'});
            const answer: KeepaliveEvent = status === 0 ? refused : {is: 'answered', status};
            if (kind === 'changed') world.change();
            else if (kind === 'progress') world.feed(world.pending() === 'request' ? answer : {is: 'due'});
            else if (kind === 'stray due' && world.pending() === 'request') world.feed({is: 'due'});
            else if (kind === 'stray answer' && world.pending() === 'timer') world.feed(answer);
            if (stopAt < 0 || index < stopAt) assert.notEqual(world.pending(), 'nothing');
          }
          if (stopAt >= 0) {
            world.feed({is: 'stopped'});
            assert.equal(world.sent.filter(isDown => isDown).length, 1);
            assert.equal(world.sent.at(-1), true);
            return;
          }
          for (let i = 0; i < 3 && world.unsentChange(); i++) {
            world.feed(world.pending() === 'request' ? {is: 'answered', status: 200} : {is: 'due'});
          }
          assert.equal(world.unsentChange(), false);
        },
      ),
    );
  });
});

function wait(delayMs: number): KeepaliveEffect {
  return {do: 'wait', delayMs};
}

/** A shell without I/O that keeps count of what is in flight. */
function createWorld() {
  let state = INITIAL_KEEPALIVE;
  let pending: 'timer' | 'request' | 'nothing' = 'timer';
  let unsentChange = false;
  const sent: boolean[] = [];
  const feed = (event: KeepaliveEvent) => {
    const fits = event.is === 'due' ? pending === 'timer' : event.is !== 'changed' && pending === 'request';
    if (fits && event.is !== 'stopped') pending = 'nothing';
    const [next, effects] = stepKeepalive(state, event, settings);
    state = next;
    for (const effect of effects) {
      if (effect.do === 'wait') pending = 'timer';
      if (effect.do !== 'send') continue;
      assert.ok(pending !== 'request' || effect.down, 'a second request in flight');
      pending = 'request';
      unsentChange = false;
      sent.push(effect.down);
    }
  };
  return {
    feed,
    change() {
      unsentChange = true;
      feed({is: 'changed'});
    },
    pending: () => pending,
    unsentChange: () => unsentChange,
    sent,
  };
}
