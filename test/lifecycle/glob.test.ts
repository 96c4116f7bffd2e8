import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {describe, test} from 'node:test';
import {matchesGlob} from '../../src/lifecycle/glob.ts';
import {missing, pythonBinary} from '../support/parts.ts';

const GLOBS = [
  '',
  '*',
  '**',
  '?',
  'configure',
  'expose-*',
  '*-via-*',
  '[a-c]x',
  '[!a-c]x',
  '[]]x',
  '[!]]x',
  '[',
  '[a',
  '[]',
  '[!]',
  '[z-a]',
  '[!z-a]',
  '[a-]',
  '[-a]',
  '[^a]',
  '[a-c-e]',
  'a.c',
  'a+',
  '\\d',
  '*a*a*',
  '?*?',
  '*]',
  'é?',
];
const TEXTS = [
  '',
  'a',
  'b',
  'x',
  'z',
  '-',
  ']',
  '^',
  'ax',
  'bx',
  'dx',
  ']x',
  '[',
  '[a',
  '[]',
  '[!]',
  'aa',
  'aba',
  'a.c',
  'abc',
  'a+',
  '\\d',
  '5',
  'configure',
  'expose-via-x',
  'd',
  'e',
  'éé',
  '\u{1f600}',
  'a]',
];

const ORACLE = `
import fnmatch, json, sys
globs, texts = json.load(sys.stdin)
print(json.dumps([[fnmatch.fnmatchcase(text, glob) for text in texts] for glob in globs]))
`;

describe('glob', () => {
  test('sets, stars, unclosed brackets -> as Python’s fnmatch', {skip: missing('jinja2')}, () => {
    const said = execFileSync(pythonBinary, ['-c', ORACLE], {input: JSON.stringify([GLOBS, TEXTS]), encoding: 'utf8'});
    const ours = GLOBS.map(glob => TEXTS.map(text => matchesGlob(glob, text)));
    const expected: boolean[][] = JSON.parse(said);
    for (const [index, glob] of GLOBS.entries()) {
      const differing = TEXTS.filter((_, at) => ours[index]?.[at] !== expected[index]?.[at]);
      assert.deepEqual(differing, [], `glob ${glob}`);
    }
  });

  test('a range that runs backwards -> matches nothing, and is no fault', () => {
    assert.equal(matchesGlob('[z-a]', 'm'), false);
  });

  test('many stars, a text that nearly matches -> an answer all the same', () => {
    assert.equal(matchesGlob('*a'.repeat(40), `${'a'.repeat(10_000)}b`), false);
  });
});
