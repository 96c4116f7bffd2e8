import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findHiddenParts} from '../../src/proxy/hidden-parts.ts';

/** A word with what is hidden in it in brackets. */
const marked = (written: string): string =>
  findHiddenParts(written, () => false)
    .sort(([a], [b]) => b - a)
    .reduce((text, [start, end]) => `${text.slice(0, start)}«${text.slice(start, end)}»${text.slice(end)}`, written);

describe('what is hidden inside a word', () => {
  for (const [name, written, expected] of [
    ['arguments of what nobody knows', 'lua.sign(key,b)', 'lua.sign(«key,b»)'],
    ['a parenthesis that is escaped ends none', String.raw`lua.sign(a\)b),lower`, String.raw`lua.sign(«a\)b»),lower`],
    ['nor begins one', String.raw`lua.sign(a\(b),lower`, String.raw`lua.sign(«a\(b»),lower`],
    ['another escape hides none from sight', String.raw`lua.sign(a\x),lower`, String.raw`lua.sign(«a\x»),lower`],
    ['what a map gives by default', 'path,map(/x.map,key)', 'path,map(/x.map,«key»)'],
    ['a map that gives nothing by default', 'path,map(/x.map)', 'path,map(/x.map)'],
  ] as const) {
    test(name, () => assert.equal(marked(written), expected));
  }
});
