// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables look the same
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {type Environment, parseLines} from '../../src/proxy/lines.ts';
import {fc} from '../support/properties.ts';

const wordsOf = (text: string, env?: Environment): string[][] =>
  [...parseLines(text, env)].map(line => line.words.map(word => word.text));

const ROWS: [string, string, string[], Environment?][] = [
  ['blanks around and between', ' \tbind   *:80\t ssl ', ['bind', '*:80', 'ssl']],
  ['comment after a word', 'bind *:80 # bind *:81', ['bind', '*:80']],
  ['comment that touches a word', 'bind *:80#x', ['bind', '*:80']],
  ['hash in quotes and escaped', String.raw`acl "a #b" '#c' d\#e`, ['acl', 'a #b', '#c', 'd#e']],
  ['quotes inside a word', `bind 127.0.0.1:"8"'0'`, ['bind', '127.0.0.1:80']],
  ['quotes inside quotes', `a "it's" 'say "x"'`, ['a', "it's", 'say "x"']],
  ['empty word', 'a "" b', ['a', '', 'b']],
  [
    'escaped blank',
    String.raw`option httpchk GET\ /\ HTTP/1.0\r\nHost:\ x`,
    ['option', 'httpchk', 'GET / HTTP/1.0\r\nHost: x'],
  ],
  ['escaped quotes', String.raw`a \"b\' "\"c"`, ['a', `"b'`, '"c']],
  ['hexadecimal escape', String.raw`a \x41b\x3A`, ['a', 'Ab:']],
  ['escape that means nothing', String.raw`reqrep ^(a)\ \1 \d`, ['reqrep', String.raw`^(a) \1`, String.raw`\d`]],
  ['backslash in single quotes', String.raw`a '\ \n'`, ['a', String.raw`\ \n`]],
  ['carriage return at the end', 'bind *:80\r', ['bind', '*:80']],
  ['a blank of another script', 'a b\u00a0c', ['a', 'b\u00a0c']],
  ['quote that never ends', 'a "b c', ['a', 'b c']],
  ['known variable', 'bind "*:${PORT}" "$HOST:1"', ['bind', '*:80', 'h:1'], {PORT: '80', HOST: 'h'}],
  ['variable whose value has a blank', 'a "$X"', ['a', 'b c'], {X: 'b c'}],
  ['unknown variable', 'bind "*:${PORT}"', ['bind', '*:${PORT}']],
  ['variable outside double quotes', `a $X '$X'`, ['a', '$X', '$X'], {X: '1'}],
  ['escaped dollar', String.raw`a "\$X"`, ['a', '$X'], {X: '1'}],
  ['default of an absent variable', 'a "${X-7}"', ['a', '7'], {}],
  ['default of a variable that may exist', 'a "${X-7}"', ['a', '${X-7}']],
];

for (const [situation, text, words, env] of ROWS) {
  test(`line, ${situation} -> ${JSON.stringify(words)}`, () => {
    assert.deepEqual(wordsOf(text, env), [words]);
  });
}

test('lines, comments and empty ones -> numbered as in the file, with their sections', () => {
  const lines = [...parseLines('# head\n\nglobal\n  daemon\nlisten web from base\n  bind :80\n')];
  assert.deepEqual(
    lines.map(({number, section}) => [number, section.kind, section.name]),
    [
      [3, 'global', ''],
      [4, 'global', ''],
      [5, 'listen', 'web'],
      [6, 'listen', 'web'],
    ],
  );
});

test('lines, setenv and unsetenv in global -> hold for the lines below', () => {
  const text = 'a "$P"\nglobal\n setenv P 1\n presetenv P 2\n presetenv Q 3\na "$P$Q"\nunsetenv P\na "$P"\n';
  const words = wordsOf(text, {});
  assert.deepEqual(
    words.filter(([first]) => first === 'a').map(([, second]) => second),
    ['$P', '13', '$P'],
  );
});

test('lines, any text -> words stand in order where they say', () => {
  fc.assert(
    fc.property(fc.string({unit: fc.constantFrom(...` \t\n\r"'\\#$\{}abx:0`)}), text => {
      let from = 0;
      for (const {words} of parseLines(text)) {
        for (const {start, end} of words) {
          assert.ok(from <= start && start < end && end <= text.length);
          from = end;
        }
      }
    }),
  );
});

test('lines, any word in single quotes -> that word', () => {
  fc.assert(
    fc.property(fc.string({unit: 'grapheme-ascii'}), fc.string({unit: 'grapheme'}), (first, second) => {
      const words = [first, second].map(word => word.replace(/['\r\n]/g, ''));
      assert.deepEqual(wordsOf(words.map(word => `'${word}'`).join(' ')), [words]);
    }),
  );
});
