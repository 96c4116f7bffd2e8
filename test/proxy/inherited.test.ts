import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findBindWords} from '../../src/proxy/binds.ts';
import {replaceBinds, staysShort} from '../../src/proxy/inherited.ts';

const CASES: readonly (readonly [string, string, readonly (readonly [number, readonly number[]])[], string])[] = [
  ['one address', '  bind *:80 ssl crt x # y\n', [[0, [3]]], '  bind fd@3 ssl crt x # y\n'],
  ['blanks between', 'bind            *:80\n', [[0, [3]]], 'bind            fd@3\n'],
  ['the second of a list', '  bind *:80,*:443 name a\n', [[1, [4]]], '  bind *:80,fd@4 name a\n'],
  ['a range', '  bind *:80-82\n', [[0, [3, 4, 5]]], '  bind fd@3,fd@4,fd@5\n'],
  ['in quotes, all of it', '  bind "*:80"\n', [[0, [3]]], '  bind fd@3\n'],
  ['in quotes, part of it', '  bind "*:80,/run/a b.sock"\n', [[0, [3]]], "  bind fd@3,'/run/a b.sock'\n"],
  ['two lines', '  bind *:80\n  bind *:81\n', [[1, [9]]], '  bind *:80\n  bind fd@9\n'],
  ['none', '  bind *:80\n', [], '  bind *:80\n'],
  ['no bind at all', '  # bind *:80\n  server bind *:80\n', [[0, [3]]], '  # bind *:80\n  server bind *:80\n'],
];

describe('inherited binds', () => {
  for (const [name, line, descriptors, expected] of CASES) {
    test(`${name} -> ${JSON.stringify(expected.trim())}`, () => {
      assert.equal(replaceBinds(`frontend f\n${line}`, new Map(descriptors)), `frontend f\n${expected}`);
    });
  }

  test('a line near the limit of HAProxy 1.7 -> too long for many descriptors', () => {
    const text = `frontend f\n  bind *:80 name ${'x'.repeat(1900)}\n`;
    const [word] = [...findBindWords(text)];
    assert.ok(word !== undefined);
    assert.deepEqual([staysShort(text, word, 1), staysShort(text, word, 50)], [true, false]);
  });
});
