import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {carriesToken} from '../../src/ports/bearer.ts';

describe('an Authorization header', () => {
  for (const header of ['Bearer hush', 'bearer hush', 'BEARER   hush', 'Bearer hush ', 'Bearer new']) {
    test(`"${header}" -> carries one of the tokens`, () => assert.ok(carriesToken(header, ['hush', 'new'])));
  }

  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer hus',
    'Bearer hushh',
    'Bearer HUSH',
    'Bearer hush new',
    'Bearerhush',
    ' Bearer hush',
    'Basic hush',
    'hush',
  ]) {
    test(`${header === undefined ? 'none' : `"${header}"`} -> carries none of them`, () =>
      assert.equal(carriesToken(header, ['hush', 'new']), false));
  }

  test('no tokens, or an empty one -> nothing is carried', () => {
    assert.equal(carriesToken('Bearer hush', []), false);
    assert.equal(carriesToken('Bearer ', ['']), false);
  });
});
