import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {bySeq, createEntry, succeed} from '../../src/members/entry.ts';
import {pingOf} from './fixtures.ts';

const entryOf = (ip: string, arrival: number, seq?: number) => ({
  ...createEntry(pingOf({ip}), arrival, {nowMs: 5, epochMs: 1000}),
  seq,
});

const orderOf = (...entries: ReturnType<typeof entryOf>[]) => entries.sort(bySeq).map(({pod}) => pod.ip);

describe('entry', () => {
  test('a first ping -> heard now, alone on its IP, provisional', () => {
    const {arrival, seq, heard, heardMs, firstSeenAt, lastSeenAt, kept, heldUntilMs, rivals} = entryOf('10.0.0.1', 3);
    assert.deepEqual(
      [arrival, seq, heard, heardMs, firstSeenAt, lastSeenAt, kept, heldUntilMs, rivals],
      [3, undefined, true, 5, 1000, 1000, false, undefined, []],
    );
  });

  test('settled and provisional ones -> by seq, then as they arrived', () => {
    assert.deepEqual(orderOf(entryOf('d', 1), entryOf('c', 9, 2), entryOf('b', 2), entryOf('a', 8, 1)), [
      'a',
      'c',
      'd',
      'b',
    ]);
  });

  test('one seq given twice -> by address, whoever arrived first', () => {
    assert.deepEqual(orderOf(entryOf('b', 1, 7), entryOf('a', 2, 7), entryOf('c', 0, 7)), ['a', 'b', 'c']);
    assert.deepEqual(orderOf(entryOf('c', 0, 7), entryOf('b', 1, 7), entryOf('a', 2, 7)), ['a', 'b', 'c']);
  });

  test('a pod that another replica heard takes the IP -> never heard here; who had it is its rival', () => {
    const entry = createEntry(pingOf({id: 'new'}), 1, {nowMs: 5, epochMs: 0});
    succeed(entry, {id: 'old', nonce: 'n'}, 4, 80);
    assert.deepEqual(
      [entry.arrival, entry.heard, entry.heardMs, entry.rivals],
      [4, false, Number.NEGATIVE_INFINITY, [{id: 'old', nonce: 'n', heardMs: 80}]],
    );
    succeed(entry, undefined, 5, 90);
    assert.deepEqual([entry.arrival, entry.rivals.length], [5, 1]);
  });
});
