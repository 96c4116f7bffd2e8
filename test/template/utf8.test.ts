import assert from 'node:assert/strict';
import {test} from 'node:test';
import {decodeTemplate} from '../../src/template/utf8.ts';
import {fc} from '../support/properties.ts';

const decode = (...parts: readonly (string | readonly number[])[]): string =>
  decodeTemplate(Buffer.concat(parts.map(part => Buffer.from(part as string))), 'cannot read x', 'RENDER');

test('template in UTF-8, any text -> the text', () => {
  assert.equal(decode('a é € 😀 \ufeff \ufffd\n'), 'a é € 😀 \ufeff \ufffd\n');
  const texts = fc.string({unit: 'binary'}).filter(text => !text.startsWith('\ufeff'));
  fc.assert(fc.property(texts, text => assert.equal(decode(text), text.toWellFormed())));
});

test('template that an editor began with a byte order mark -> refused with what to do', () => {
  const message = 'cannot read x: it begins with a byte order mark; save it as UTF-8 without one';
  for (const text of ['\ufeff', '\ufeff# a\ndefaults\n']) assert.throws(() => decode(text), {code: 'RENDER', message});
});

for (const [what, parts, offset, line] of [
  ['a Latin-1 letter', ['a\nb', [0xe9], 'c\n'], 3, 2],
  ['the first byte', [[0xff], 'a'], 0, 1],
  ['a character cut at the end', ['ab', [0xe2, 0x82]], 2, 1],
  ['after characters of several bytes', ['é€\ufffd\n\n', [0x80]], 10, 3],
] as const) {
  test(`template that is not UTF-8, ${what} -> refused with the offset and the line`, () => {
    const message = `cannot read x: it is not UTF-8 at byte ${offset} (line ${line}); save it as UTF-8`;
    assert.throws(() => decode(...parts), {code: 'RENDER', message});
  });
}
