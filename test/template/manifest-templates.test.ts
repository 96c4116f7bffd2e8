import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findTemplates} from '../../src/template/manifest-templates.ts';

const placesOf = (yaml: string, line: number, column: number) =>
  findTemplates(yaml, 'm.yaml', {key: yaml.includes('ConfigMap') ? 'k' : undefined}).map(({from, template, place}) => [
    from,
    template.split('\n')[line - 1],
    place.lineOf(line),
    place.columnOf?.(column),
  ]);

const objectOf = (value: string): string =>
  `kind: Pod\nmetadata:\n  name: p\n  annotations:\n    haproxy.unity3d.com/config: ${value}\n`;

describe('templates of a manifest', () => {
  for (const [situation, yaml, expected] of [
    ['a block', objectOf('|\n      a\n      b'), ['Pod/p', 'b', 7, 9]],
    ['a block that strips, with a comment', objectOf('|- # why\n      a\n      b'), ['Pod/p', 'b', 7, 9]],
    ['a block that begins with blank lines', objectOf('|\n\n\n      a\n      b'), ['Pod/p', '', 7, 9]],
    ['a block that says how deep it is', objectOf('|1\n      a\n      b'), ['Pod/p', ' b', 7, 8]],
    ['a folded text', objectOf('>\n      a\n\n      b'), ['Pod/p', 'b', 5, undefined]],
    ['a quoted text', objectOf('"a\\nb"'), ['Pod/p', 'b', 5, undefined]],
    ['a second document', `a: 1\n---\n${objectOf('|\n      a\n      b')}`, ['Pod/p', 'b', 9, 9]],
    [
      'an item of a list',
      `kind: List\nitems:\n- ${objectOf('|\n      a\n      b').replaceAll('\n', '\n  ')}`,
      ['Pod/p', 'b', 9, 11],
    ],
    ['a ConfigMap', 'kind: ConfigMap\nmetadata: {name: c}\ndata:\n  k: |\n    a\n    b\n', ['ConfigMap/c', 'b', 6, 7]],
  ] as const) {
    test(`${situation} -> where it stands in the file`, () => assert.deepEqual(placesOf(yaml, 2, 3), [expected]));
  }

  test('a ConfigMap without --key, a name that is not there -> says what to do', () => {
    const yaml = 'kind: ConfigMap\nmetadata: {name: c}\ndata: {k: x}\n';
    assert.throws(() => findTemplates(yaml, 'm.yaml'), /nor is --key given for a ConfigMap/);
    assert.throws(() => findTemplates(yaml, 'm.yaml', {key: 'other'}), /no ConfigMap the key other/);
    assert.throws(
      () => findTemplates(yaml, 'm.yaml', {key: 'k', name: 'd'}),
      /no object d with one in it, but ConfigMap\/c/,
    );
    const both = `${yaml}---\n${objectOf('a')}`;
    assert.throws(() => findTemplates(both, 'm.yaml', {key: 'other'}), /no ConfigMap in it has the key other/);
  });
});
