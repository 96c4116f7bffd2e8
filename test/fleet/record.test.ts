import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {decodeRecord, encodeRecord, latestRuns, type ReplicaRecord} from '../../src/fleet/record.ts';

const record = (changes: Partial<ReplicaRecord> = {}): ReplicaRecord => ({
  id: 'lb-0',
  run: 'a1',
  startedAt: 1000,
  leaving: false,
  version: '1.0.0',
  generation: 3,
  digest: 'd',
  inSync: true,
  ...changes,
});

describe('replica record', () => {
  test('encoded and decoded -> the same', () => {
    assert.deepEqual(decodeRecord(encodeRecord(record())), record());
  });

  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"id": 3}',
    '{"id": "a", "digest": "d", "generation": "3"}',
    '"a"',
    '{"id": "a", "generation": 3}',
    '{"digest": "d", "generation": 3}',
  ]) {
    test(`${text || 'nothing'} -> none`, () => assert.equal(decodeRecord(text), undefined));
  }

  test('fields that are not what they should be -> what says least', () => {
    const text = JSON.stringify({id: 'a', digest: 'd', generation: 3, startedAt: 'x', leaving: 'yes', inSync: 1});
    const {startedAt, leaving, inSync} = decodeRecord(text) ?? {};
    assert.deepEqual([startedAt, leaving, inSync], [0, false, false]);
  });

  test('two runs that began at once -> the one told last', () => {
    const [one, other] = [record(), record({run: 'b2'})];
    assert.deepEqual(latestRuns([one, other]), [other]);
  });

  test('two runs of one replica, one that leaves -> the newest run, without the leaving one, by id', () => {
    const [old, now, other] = [record(), record({run: 'b2', startedAt: 2000}), record({id: 'a'})];
    const leaving = record({id: 'z', leaving: true});
    assert.deepEqual(latestRuns([now, old, leaving, other]), [other, now]);
  });
});
