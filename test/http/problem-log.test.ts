import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createProblemLog} from '../../src/http/problem-log.ts';
import type {StatedProblem} from '../../src/http/status-types.ts';
import {PROBLEM as SHOWN} from './status-ports.ts';

const {sinceAt: _, sinceIs: __, ...WORDS} = SHOWN;
const PROBLEM: StatedProblem = {...WORDS, beganAt: null};

function open() {
  const told: string[] = [];
  const clock = {now: 1000};
  const log = createProblemLog({
    epochMs: () => clock.now,
    onChange: ({kind, subject}, isOver) => told.push(`${isOver ? 'went' : 'came'} ${kind} ${subject}`),
  });
  return {log, told, clock};
}

test('a problem, look after look -> the same time since, whatever its words', () => {
  const {log, clock} = open();
  log.note([PROBLEM]);
  clock.now = 3000;
  const subject = 'web';
  assert.deepEqual(
    log
      .note([
        {...PROBLEM, what: 'It broke more'},
        {...PROBLEM, subject},
      ])
      .map(({sinceAt, sinceIs}) => [sinceIs, sinceAt]),
    [
      ['noticed', 1000],
      ['noticed', 3000],
    ],
  );
});

test('it goes and comes again -> since then', () => {
  const {log, clock} = open();
  log.note([PROBLEM]);
  log.note([]);
  clock.now = 2000;
  assert.equal(log.note([PROBLEM])[0]?.sinceAt, 2000);
});

test('a bad one stays for 5 s -> told once, and once that it is over; a notice and a short one are not told', () => {
  const {log, told, clock} = open();
  const [short, notice] = [
    {...PROBLEM, subject: 'short'},
    {...PROBLEM, subject: 'notice', severity: 'notice'} as const,
  ];
  log.note([PROBLEM, short, notice]);
  clock.now = 5999;
  log.note([PROBLEM, short, notice]);
  assert.deepEqual(told, []);
  clock.now = 6000;
  log.note([PROBLEM, notice]);
  log.note([PROBLEM, notice]);
  assert.deepEqual(told, ['came store null']);
  log.note([]);
  log.note([]);
  assert.deepEqual(told, ['came store null', 'went store null']);
});

test('its beginning is known, now or later -> since then, whenever it was noticed; worked out anew, the same', () => {
  const {log, told, clock} = open();
  const since = (beganAt: number | null) => log.note([{...PROBLEM, beganAt}]).map(one => [one.sinceIs, one.sinceAt])[0];
  assert.deepEqual(since(null), ['noticed', 1000]);
  assert.deepEqual(since(-9000), ['began', -9000]);
  assert.deepEqual(since(-8001), ['began', -9000]);
  assert.deepEqual(since(null), ['began', -9000]);
  // It went and came between two looks.
  assert.deepEqual(since(-8000), ['began', -8000]);
  // The clock was set back.
  assert.deepEqual(since(4000), ['began', 1000]);
  // Long there, and just noticed: it has to stay like any other.
  assert.deepEqual(told, []);
  clock.now = 6000;
  since(-8000);
  assert.deepEqual(told, ['came store null']);
});
