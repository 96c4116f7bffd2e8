import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {decodeRecords, encodeRecords} from '../../src/reload/process-records.ts';

describe('records of processes', () => {
  test('encoded and decoded -> the same', () => {
    const records = {last: 4, processes: [{pid: 9, startTicks: 100, generation: 4}]};
    assert.deepEqual(decodeRecords(encodeRecords(records)), records);
  });

  for (const text of [
    '',
    'null',
    '[]',
    '{"last":1}',
    '{"last":1.5,"processes":[]}',
    '{"last":1,"processes":[{"pid":-1,"startTicks":1,"generation":1}]}',
    '{"last":-1,"processes":[]}',
    '{"last":1,"processes":[{"pid":0,"startTicks":1,"generation":1}]}',
    '{"last":1,"processes":[{"pid":"1","startTicks":1,"generation":1}]}',
    '{"last":1,"processes":[null]}',
    '{"last":1,"proc',
  ]) {
    test(`${text} -> refused`, () => assert.equal(decodeRecords(text), undefined));
  }
});
