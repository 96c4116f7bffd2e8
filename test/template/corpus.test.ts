import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {missing} from '../support/parts.ts';
import {CONTEXT} from './context.ts';
import {DIFFERENCES, OF_DEBIAN} from './differences.ts';
import {agree, askJinja, type Case, describeDifference, JINJAS, renderOurs} from './oracle.ts';

const FOLDER = new URL('corpus/', import.meta.url);

/** Files of expressions, one a line: each stands in a line of a backend. */
const EXPRESSIONS = new Set(['operators.txt', 'methods.txt', 'filters.txt', 'tests.txt']);

function loadCases(file: string): Case[] {
  const text = readFileSync(new URL(file, FOLDER), 'utf8').replace(/\n$/, '');
  const templates = EXPRESSIONS.has(file)
    ? text.split('\n').map(expression => `backend b\n  server s {{ ${expression} }} check\n`)
    : text.split('\n----\n');
  return templates.map(template => ({template, context: CONTEXT}));
}

const files = readdirSync(FOLDER).sort();

describe('corpus', {skip: missing('jinja2')}, () => {
  const all = files.flatMap(file => loadCases(file).map(one => ({file, one})));
  const rendered = all.map(({file, one}) => ({file, one, ours: renderOurs(one)}));

  for (const jinja of JINJAS) {
    const known = new Set([...DIFFERENCES.keys(), ...(jinja.name === 'reference' ? [] : OF_DEBIAN)]);
    const answers = askJinja(
      all.map(({one}) => one),
      jinja,
    );
    const compared = rendered.map((entry, index) => {
      const theirs = answers[index] ?? {ok: false, error: 'no answer'};
      return {...entry, theirs, agrees: agree(theirs, entry.ours)};
    });

    for (const file of files) {
      test(`${file}, rendered by ours and by ${jinja.name} -> the same bytes, or both raise`, () => {
        const differing = compared.filter(one => one.file === file && !one.agrees && !known.has(one.one.template));
        assert.deepEqual(differing.map(({one, theirs, ours}) => describeDifference(one, theirs, ours)).join('\n'), '');
      });
    }

    test(`the whole corpus and ${jinja.name} -> at least 400 cases, 99 % equal, and every exception still is one`, () => {
      assert.ok(compared.length >= 400, `${compared.length} cases`);
      const differing = compared.filter(entry => !entry.agrees).map(entry => entry.one.template);
      const onPurpose = differing.filter(template => !OF_DEBIAN.has(template)).length;
      assert.ok(onPurpose <= compared.length / 100, `${onPurpose} of ${compared.length} differ`);
      assert.deepEqual(new Set(differing), known);
    });
  }
});
