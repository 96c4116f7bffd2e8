import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {keepsValidity} from '../../src/proxy/kept-validity.ts';
import {atOnce} from '../../src/steps.ts';

const textOf = (server: string, ...more: readonly string[]): string =>
  ['backend web', `  server ${server}`, ...more, ''].join('\n');

const keeps = (before: string, after: string): boolean => atOnce(keepsValidity(before, after));

describe('texts that are as valid as one that was checked', () => {
  for (const [name, before, after] of [
    ['the same', 'a 10.0.0.1:80 x y', 'a 10.0.0.1:80 x y'],
    ['the same, with quotes', 'a 10.0.0.1:80 cookie "x"', 'a 10.0.0.1:80 cookie "x"'],
    ['another address', 'a 10.0.0.1:80 check', 'a 10.0.0.2:8080 check'],
    ['an IPv6 address', 'a [fd00::1]:80', 'a [fd00::2]:65535'],
    ['port 1', 'a 10.0.0.1:80', 'a 10.0.0.1:1'],
    ['another weight', 'a 10.0.0.1:80 weight 0', 'a 10.0.0.1:80 weight 256'],
    ['disabled', 'a 10.0.0.1:80 check', 'a 10.0.0.1:80 disabled check'],
    ['disabled no more', 'a 10.0.0.1:80 check disabled', 'a 10.0.0.1:80 check'],
    ['60 words', 'a 10.0.0.1:80', `a 10.0.0.1:80${' disabled'.repeat(57)}`],
    ['other blanks', 'a 10.0.0.1:80 check', 'a\t10.0.0.1:80  check '],
  ] as const) {
    test(`${name} -> yes`, () => assert.equal(keeps(textOf(before), textOf(after)), true));
  }

  for (const [name, before, after] of [
    ['a weight over the limit in front of another', 'a 10.0.0.1:80 weight 1', 'a 10.0.0.1:80 weight 300 weight 1'],
    ['a weight over the limit', 'a 10.0.0.1:80 weight 1', 'a 10.0.0.1:80 weight 257'],
    ['a weight that is none', 'a 10.0.0.1:80 weight 1', 'a 10.0.0.1:80 weight 1x'],
    ['a weight without a value', 'a 10.0.0.1:80 weight 1', 'a 10.0.0.1:80 weight'],
    ['a weight that comes', 'a 10.0.0.1:80', 'a 10.0.0.1:80 weight 1'],
    ['a weight that is read anew', 'a 10.0.0.1:80 weight x', 'a 10.0.0.1:80 weight 1'],
    ['more words than HAProxy reads', 'a 10.0.0.1:80', `a 10.0.0.1:80${' disabled'.repeat(58)}`],
    ['another option', 'a 10.0.0.1:80 check', 'a 10.0.0.1:80 backup'],
    ['another name', 'a 10.0.0.1:80', 'b 10.0.0.1:80'],
    ['enabled, which HAProxy 1.7 does not know', 'a 10.0.0.1:80', 'a 10.0.0.1:80 enabled'],
    ['one bracket', 'a 10.0.0.1:80', 'a [10.0.0.1:80'],
    ['the other one', 'a 10.0.0.1:80', 'a 10.0.0.1]:80'],
    ['no port', 'a 10.0.0.1:80 check', 'a 10.0.0.1 check'],
    ['port 0', 'a 10.0.0.1:80', 'a 10.0.0.1:0'],
    ['a port over the limit', 'a 10.0.0.1:80', 'a 10.0.0.1:65536'],
    ['a port with a sign', 'a 10.0.0.1:80', 'a 10.0.0.1:+80'],
    ['a name for an address', 'a 10.0.0.1:80', 'a example:80'],
    ['an address that is none', 'a 10.0.0.1:80', 'a 10.0.0.300:80'],
    ['an IPv6 address without brackets', 'a 10.0.0.1:80', 'a fd00::1:80'],
    ['quotes', 'a 10.0.0.1:80', 'a "10.0.0.1:80"'],
    ['a variable', 'a 10.0.0.1:80', 'a 10.0.0.1:80 $X'],
    ['a comment', 'a 10.0.0.1:80', 'a 10.0.0.1:80 # b'],
    ['a comment that was there', 'a 10.0.0.1:80 # b', 'a 10.0.0.1:80'],
  ] as const) {
    test(`${name} -> no`, () => assert.equal(keeps(textOf(before), textOf(after)), false));
  }

  test('a line more, one less, another one -> no', () => {
    const text = textOf('a 10.0.0.1:80');
    const more = textOf('a 10.0.0.1:80', '  balance first');
    assert.deepEqual([keeps(text, more), keeps(more, text)], [false, false]);
    assert.equal(keeps(more, more.slice(0, more.indexOf('\n'))), false);
    assert.equal(keeps(more, textOf('a 10.0.0.1:80', '  balance source')), false);
    assert.equal(keeps(more, textOf('a 10.0.0.1:80', '  server b 10.0.0.1:80')), false);
  });

  test('a line as long as HAProxy reads -> yes up to there', () => {
    const lineOf = (ip: string, length: number) => {
      const start = `a ${ip}:80 cookie `;
      return textOf(start + 'x'.repeat(length - '  server '.length - start.length));
    };
    assert.equal(keeps(lineOf('10.0.0.1', 1900), lineOf('10.0.0.2', 1900)), true);
    assert.equal(keeps(lineOf('10.0.0.1', 1901), lineOf('10.0.0.2', 1901)), false);
  });

  test('thousands of lines -> some at a time', () => {
    const lines = '\n'.repeat(400);
    const steps = keepsValidity(lines, lines);
    let count = 0;
    while (steps.next().done !== true) count += 1;
    assert.equal(count, 3);
  });
});
