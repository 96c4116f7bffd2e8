import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findRollback, type RollbackWish} from '../../src/lifecycle/find-rollback.ts';
import type {HistoryEntry} from '../../src/lifecycle/history.ts';

const entryOf = (pass: number, template: string | null, verdict = 'ok'): HistoryEntry =>
  ({
    pass,
    startedAt: pass * 1000,
    verdict,
    template: template === null ? null : {digest: template, bytes: 1},
  }) as HistoryEntry;

const ENTRIES = [
  entryOf(1, 'A'),
  entryOf(2, 'B'),
  entryOf(3, 'B', 'unchanged'),
  entryOf(4, 'C', 'failed'),
  entryOf(5, 'B'),
];

const passOf = (entries: readonly HistoryEntry[], wish: RollbackWish) => {
  const found = findRollback({entries, isKept: ({digest}) => digest !== 'lost'}, wish);
  return found.is === 'found' ? found.entry.pass : found.reason;
};

describe('which pass a rollback takes', () => {
  test('a pass -> that one, failed or not; one that is not there -> said', () => {
    assert.equal(passOf(ENTRIES, {is: 'pass', pass: 4}), 4);
    assert.equal(passOf(ENTRIES, {is: 'pass', pass: 9}), 'there is no pass 9 in the history');
  });

  test('a time -> what served then', () => {
    assert.deepEqual(
      [1000, 2999, 4500, 99_000].map(at => passOf(ENTRIES, {is: 'time', at})),
      [1, 2, 3, 5],
    );
    assert.equal(
      passOf(ENTRIES, {is: 'time', at: 999}),
      'the history knows of nothing that served at 1970-01-01T00:00:00.999Z',
    );
  });

  test('none named -> the last one that worked with another template than the one that was tried last', () => {
    assert.equal(passOf(ENTRIES, {is: 'last'}), 1);
    assert.equal(passOf([...ENTRIES, entryOf(6, 'C', 'failed')], {is: 'last'}), 5);
    assert.match(String(passOf([entryOf(1, 'A'), entryOf(2, null, 'failed')], {is: 'last'})), /^1$/);
    assert.match(String(passOf([entryOf(1, 'A')], {is: 'last'})), /no other template/);
    assert.equal(passOf([entryOf(1, 'A'), entryOf(2, 'lost'), entryOf(3, 'B')], {is: 'last'}), 1);
  });
});
