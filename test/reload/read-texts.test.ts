import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createReadTexts} from '../../src/reload/read-texts.ts';

test('readAs, kept, not known, taken back -> as HAProxy reads it, else as it is', () => {
  const texts = createReadTexts();
  texts.keep('a', 'a+');
  assert.deepEqual([texts.readAs('a'), texts.readAs('b')], ['a+', 'b']);
  texts.keep('a', undefined);
  assert.equal(texts.readAs('a'), 'a');
});

test('keep, more than eight -> the oldest is forgotten, one that is kept again is not the oldest', () => {
  const texts = createReadTexts();
  for (const name of 'abcdefgh') texts.keep(name, `${name}+`);
  texts.keep('a', 'a+');
  texts.keep('i', 'i+');
  assert.deepEqual(['a', 'b', 'c', 'i'].map(texts.readAs), ['a+', 'b', 'c+', 'i+']);
});
