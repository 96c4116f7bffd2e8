import assert from 'node:assert/strict';
import {test} from 'node:test';
import {excerptOf, placeOf} from '../../src/template/excerpt.ts';

test('excerpt, a place in the third line -> the lines before it and a caret below', () => {
  assert.equal(
    excerptOf('a\r\nb\n\tc {{ d }}\n', {lineno: 2, colno: 6}),
    '  1 | a\n  2 | b\n  3 | \tc {{ d }}\n    | \t     ^',
  );
});

test('excerpt, a place far into a long line -> the part around it', () => {
  const lines = excerptOf(`${'x'.repeat(500)}Y${'z'.repeat(500)}`, {lineno: 0, colno: 500}).split('\n');
  assert.equal(lines[0]?.charAt(lines[1]?.indexOf('^') ?? 0), 'Y');
  assert.ok((lines[0]?.length ?? 0) < 200);
});

test('place, counted from 0 -> told from 1', () => {
  assert.equal(placeOf({lineno: 0, colno: 4}), 'line 1, column 5');
});
