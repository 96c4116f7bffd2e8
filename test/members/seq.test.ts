import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createSeqMark} from '../../src/members/seq.ts';

test('seq, numbers given and seen in any order -> only ever higher ones are given', () => {
  const mark = createSeqMark(4);
  assert.deepEqual([mark.highest, mark.next(), mark.next()], [4, 5, 6]);
  mark.saw(9);
  mark.saw(2);
  assert.deepEqual([mark.highest, mark.next(), mark.highest], [9, 10, 10]);
});
