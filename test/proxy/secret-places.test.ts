import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {redactConfiguration} from '../../src/proxy/redact.ts';
import {ACTIONS, LINES} from '../../src/proxy/secret-places.ts';
import {FRAME, RECIPES} from '../docs/recipes.ts';

/** A line for each keyword of a row: names where it has any word. */
function linesOf(row: string): string[] {
  const [keywords = '', ...parts] = row.trim().split(' ');
  const rest = parts
    .filter(part => !/^(?:\.\.\.|<(?!format>))/.test(part))
    .map(part => NAMES[part] ?? part.split('|')[0]);
  return keywords.split('|').map(keyword => [keyword, ...rest].join(' '));
}

const NAMES: Readonly<Record<string, string>> = {
  NAME: 'x',
  COUNT: '3',
  PATH: '/x',
  LOGIN: 'x',
  ID: 'x',
  '*': 'x',
  ':*': 'x:x',
  '<format>': 'x',
};

const TABLE_ROWS = [
  ...LINES.split('\n').map(row => ({row, before: 'frontend f\n  '})),
  ...ACTIONS.split('\n').map(row => ({row, before: 'frontend f\n  http-request '})),
];

/** How a row ends that takes no word more, or none but those that it knows. */
const BOUNDED = /(?:[^>.]|<(?:bind|condition|cookie|format|load|server|user)>)$/;

describe('redaction, what stands behind a line', () => {
  for (const {row, before} of TABLE_ROWS.filter(({row: one}) => BOUNDED.test(one) && !one.includes('defaults '))) {
    test(`${row.trim()}, a word more -> hidden`, () => {
      for (const line of linesOf(row)) {
        const shown = redactConfiguration(`${before}${line} correcthorse staple\n`);
        assert.doesNotMatch(shown, /correct|staple/);
        assert.ok(shown.includes(`${before}${line.split(' ')[0]}`), shown);
      }
    });
  }

  for (const {row, before} of TABLE_ROWS.filter(({row: one}) => one.endsWith(' ...'))) {
    test(`${row.trim()}, a line of credentials, a pair -> hidden`, () => {
      for (const line of linesOf(row)) {
        for (const more of ['stats auth bob:correcthorse', 'user bob password correcthorse', 'bob:correcthorse']) {
          assert.doesNotMatch(redactConfiguration(`${before}${line} x ${more}\n`), /correct/);
        }
      }
    });
  }
});

test('redaction, the templates of docs/recipes.md -> shown as they are, but for the page that one answers with', () => {
  const hidden = RECIPES.flatMap(({template}) => {
    const filled = `${FRAME}\n${template}`.replaceAll(/\{%.*?%\}/g, '').replaceAll(/(?<=\s)\{\{.*?\}\}/g, '10.0.0.1');
    const text = filled.replaceAll(/\{\{.*?\}\}/g, '');
    const shown = redactConfiguration(text).split('\n');
    return text.split('\n').flatMap((line, index) => (line === shown[index] ? [] : [shown[index]?.trim()]));
  });
  const answer = 'http-request return status 503 content-type text/html hdr Retry-After 60 string *** if closed';
  assert.deepEqual(hidden, [answer]);
});
