import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseTlsNames} from '../../src/certs/names.ts';

test('parseTlsNames, an annotation -> names once each, blanks gone', () => {
  assert.deepEqual(parseTlsNames(' secret-a, secret.b,,secret-a'), {names: ['secret-a', 'secret.b'], refused: []});
  assert.deepEqual(parseTlsNames(undefined), {names: [], refused: []});
});

test('parseTlsNames, what is no name of a Secret -> refused, never a path', () => {
  const {names, refused} = parseTlsNames('../x, a/b, A, a..b, -a, ok');
  assert.deepEqual(names, ['ok']);
  assert.deepEqual(refused, ['../x', 'a/b', 'A', 'a..b', '-a']);
});
