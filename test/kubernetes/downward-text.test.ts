import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseDownward} from '../../src/kubernetes/downward-text.ts';
import {fc} from '../support/properties.ts';

/** As Go's strconv.Quote writes printable and control characters. */
const quote = (text: string): string =>
  `"${[...text]
    .map(character => {
      const code = character.codePointAt(0) ?? 0;
      if (character === '"' || character === '\\') return `\\${character}`;
      if (character === '\n') return '\\n';
      if (character === '\t') return '\\t';
      if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
      if (code === 0xfeff) return '\\ufeff';
      return character;
    })
    .join('')}"`;

describe('parseDownward', () => {
  test('a template as the kubelet writes it -> every blank, quote and backslash as it was', () => {
    const text =
      'haproxy.unity3d.com/config="\\nfrontend x\\n\\tacl a path_reg ^/\\\\d+ \\"q\\"\\n{%- for k in hosts %}=\\n"';
    assert.deepEqual(parseDownward(text), {
      'haproxy.unity3d.com/config': '\nfrontend x\n\tacl a path_reg ^/\\d+ "q"\n{%- for k in hosts %}=\n',
    });
  });

  test('Go escapes of every kind -> the characters they stand for', () => {
    assert.deepEqual(parseDownward('k="\\a\\b\\f\\n\\r\\t\\v\\x7f\\u200b\\U0001f600 ü \\xc3\\xbc"'), {
      k: '\u0007\b\f\n\r\t\v\u007f\u200b\u{1f600} ü ü',
    });
  });

  test('several lines, with or without a last newline -> a map; an empty file -> an empty one', () => {
    assert.deepEqual(parseDownward('app="haproxy"\nrole="balancer"\n'), {app: 'haproxy', role: 'balancer'});
    assert.deepEqual(parseDownward('app="haproxy"\nrole=""'), {app: 'haproxy', role: ''});
    assert.deepEqual(parseDownward(''), {});
  });

  for (const text of [
    'app',
    'app=haproxy',
    'app="hap',
    'a="x" b',
    'a="\\q"',
    'a="\\x4"',
    '="x"',
    'a="x"y"',
    'a="\\U00ffffff"',
  ]) {
    test(`a line that is not the kubelet's: ${text} -> nothing`, () => assert.equal(parseDownward(text), undefined));
  }

  test('a key named like a property of objects -> a key like any other', () => {
    assert.equal(Object.getOwnPropertyDescriptor(parseDownward('__proto__="x"') ?? {}, '__proto__')?.value, 'x');
  });

  test('any text, quoted -> the text', () => {
    fc.assert(
      fc.property(fc.string({unit: 'grapheme'}), text => {
        assert.deepEqual(parseDownward(`key=${quote(text)}`), {key: text});
      }),
    );
  });
});
