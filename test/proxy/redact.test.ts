import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {redactConfiguration} from '../../src/proxy/redact.ts';

const ROWS: [string, string, string][] = [
  ['stats auth', '    stats auth admin:secret', '    stats auth admin:***'],
  ['stats auth, colon in the password', 'stats auth admin:se:cret # x', 'stats auth admin:*** # x'],
  ['stats auth, quoted', `stats auth "admin:my secret"\r`, `stats auth "admin:***"\r`],
  ['stats auth, password quoted', `stats  auth admin:'s ecret'`, 'stats  auth admin:***'],
  ['stats auth, colon escaped', String.raw`stats auth admin\x3asecret`, 'stats auth ***'],
  ['stats auth, quoted, no colon (fuzzed)', 'stats auth ""', 'stats auth ***'],
  ['stats auth, commented out', '\t#  stats auth admin:secret', '\t#  stats auth admin:***'],
  ['user, hashed', 'user bob password $6$salt$hash', 'user bob password ***'],
  ['user, in clear', 'user bob insecure-password "a b" groups x', 'user bob insecure-password *** groups x'],
  ['user, groups first', 'user bob groups x,password password p', 'user bob groups x,password password ***'],
  ['user called password', 'user password password p', 'user password password ***'],
  ['user of global', 'user haproxy', 'user haproxy'],
  ['stats auth without a value', 'stats auth', 'stats auth'],
  ['other words', 'stats scope admin:secret', 'stats scope admin:secret'],
];

for (const [situation, text, redacted] of ROWS) {
  test(`redaction, ${situation} -> ${JSON.stringify(redacted)}`, () => {
    assert.equal(redactConfiguration(text), redacted);
  });
}

test('redaction, a whole configuration -> all else stays byte for byte', () => {
  const text = (secret: string) =>
    `# é\r\nuserlist u\n  user a password ${secret}\n\n  # listen\nlisten l\n  stats auth x:${secret}\n  bind "é:80"`;
  assert.equal(redactConfiguration(text('secret')), text('***'));
});

test('redaction, a text without those words -> the same text', () => {
  fc.assert(
    fc.property(fc.string({unit: 'grapheme'}), text => {
      fc.pre(!/user|stats/.test(text));
      assert.equal(redactConfiguration(text), text);
    }),
  );
});
