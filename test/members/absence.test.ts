import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createAbsence} from '../../src/members/absence.ts';

const HOUR_MS = 3_600_000;

function open() {
  const clock = {now: 1000};
  const absence = createAbsence({
    epochMs: () => clock.now,
    lastThereAt: app => (app === 'web' ? clock.now - 700 : undefined),
  });
  return {
    clock,
    note: (hosts: Record<string, string[]>, areMissed: boolean | undefined = false) =>
      absence.note(new Map(Object.entries(hosts)), areMissed),
  };
}

test('an app without pods from the start -> not missed', () => {
  const {note} = open();
  assert.deepEqual(note({}), []);
  assert.deepEqual(note({web: []}), []);
});

test('the last pod of an app leaves -> missed since it was there last, where that is known, until one is back', () => {
  const {note, clock} = open();
  note({web: ['10.0.0.1'], api: ['10.0.0.2']});
  clock.now = 2000;
  assert.deepEqual(note({api: ['10.0.0.2']}), [{app: 'web', lastThereAt: 1300}]);
  clock.now = 3000;
  assert.deepEqual(note({web: [], api: ['10.0.0.2']}), [{app: 'web', lastThereAt: 1300}]);
  assert.deepEqual(note({web: ['10.0.0.1']}), [{app: 'api', lastThereAt: null}]);
  assert.deepEqual(note({web: ['10.0.0.1'], api: ['10.0.0.2']}), []);
});

test('others are there -> forgotten after an hour; nobody is -> not', () => {
  const {note, clock} = open();
  note({web: ['10.0.0.1'], api: ['10.0.0.2']});
  note({api: ['10.0.0.2']});
  clock.now += HOUR_MS;
  assert.equal(note({api: ['10.0.0.2']}).length, 1);
  clock.now += 1;
  assert.equal(note({api: ['10.0.0.2']}).length, 0);
  note({});
  clock.now += 2 * HOUR_MS;
  assert.deepEqual(
    note({}).map(({app}) => app),
    ['api'],
  );
});

test('somebody misses them -> not forgotten after an hour', () => {
  const {note, clock} = open();
  note({web: ['10.0.0.1'], api: ['10.0.0.2']});
  note({api: ['10.0.0.2']});
  clock.now += 2 * HOUR_MS;
  assert.equal(note({api: ['10.0.0.2']}, true).length, 1);
  assert.deepEqual(note({api: ['10.0.0.2']}), []);
});

test('an earlier daemon saw them leave -> missed since then, unless they are there', () => {
  const earlier = new Map([
    ['web', 500],
    ['api', 600],
  ]);
  const absence = createAbsence({epochMs: () => 1000, lastThereAt: () => undefined, earlier});
  assert.deepEqual(absence.note(new Map([['api', ['10.0.0.2']]]), false), [{app: 'web', lastThereAt: 500}]);
});

test('an earlier daemon saw them leave more than an hour ago -> told once it is known that they are missed, kept till then', () => {
  const earlier = new Map([['web', 500]]);
  const absence = createAbsence({epochMs: () => 2 * HOUR_MS, lastThereAt: () => undefined, earlier});
  const hosts = new Map([['api', ['10.0.0.2']]]);
  assert.deepEqual(absence.note(hosts, undefined), []);
  assert.deepEqual(absence.note(hosts, true), [{app: 'web', lastThereAt: 500}]);
  assert.deepEqual(absence.note(hosts, false), []);
  assert.deepEqual(absence.note(hosts, true), []);
});
