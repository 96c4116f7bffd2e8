import assert from 'node:assert/strict';
import {test} from 'node:test';
import {decodeTemplate} from '../../src/template/utf8.ts';
import {fc} from '../support/properties.ts';

const decode = (...parts: readonly (string | readonly number[])[]): string =>
  decodeTemplate(Buffer.concat(parts.map(part => Buffer.from(part as string))), 'cannot read x', 'RENDER');

test('template in UTF-8, any text -> the text', () => {
  assert.equal(decode('\ufeffa é € 😀 \ufffd\n'), '\ufeffa é € 😀 \ufffd\n');
  fc.assert(fc.property(fc.string({unit: 'binary'}), text => assert.equal(decode(text), text.toWellFormed())));
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
