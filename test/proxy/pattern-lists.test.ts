import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  digestEntries,
  entriesCommand,
  findReadable,
  keepsLists,
  type PatternList,
  parsePatternLists,
} from '../../src/proxy/pattern-lists.ts';

test('show map, since 2.4 -> the file, how to ask for it, how many entries in which version', () => {
  const answer =
    "# id (file) description\n5 (/m.map) pattern loaded from file '/m.map'. curr_ver=1 next_ver=1 entry_cnt=2\n";
  assert.deepEqual(parsePatternLists('map', answer), [
    {name: 'map /m.map', reference: 'map #5', version: '1', count: 2},
  ]);
});

test('show acl of 1.7, which counts no entries -> the lists all the same', () => {
  const answer =
    "# id (file) description\n0 () acl 'path' file 'm.cfg' line 10\n1 (/a.lst) pattern loaded from file '/a.lst'\n";
  assert.deepEqual(parsePatternLists('acl', answer), [
    {name: 'acl #0', reference: 'acl #0', version: '0', count: undefined},
    {name: 'acl /a.lst', reference: 'acl #1', version: '0', count: undefined},
  ]);
});

const listOf = (number: number, count: number | undefined): PatternList => ({
  name: `acl #${number}`,
  reference: `acl #${number}`,
  version: '0',
  count,
});

describe('lists whose entries are looked at', () => {
  for (const [name, counts, readable] of [
    ['few', [1, 0, 2], [0, 1, 2]],
    ['one is long', [1, 10_000, 2], [0, 2]],
    ['not counted', [undefined, undefined], [0, 1]],
  ] as const) {
    test(`${name} -> ${readable.join(', ')}`, () => {
      const lists = counts.map((count, number) => listOf(number, count));
      assert.deepEqual(
        findReadable(lists),
        readable.map(at => lists[at]),
      );
    });
  }

  test('thousands -> as many as one command line holds', () => {
    const lists = Array.from({length: 4000}, (_, number) => listOf(99_000 + number, 0));
    assert.ok(entriesCommand(findReadable(lists)).length < 16_000);
  });
});

describe('what the entries of lists come to', () => {
  const [one = '', two = '', empty = ''] = digestEntries('0x55ca /a one\n0x55cb /b two\n\n0x55cc /c', 3);

  test('the same at other addresses, in another order -> the same', () => {
    assert.deepEqual(digestEntries('0x66ca /b two\n0x66cb /a one', 1), [one]);
  });

  test('another value -> another', () => {
    assert.notEqual(digestEntries('0x55ca /a one\n0x55cb /b three', 1)[0], one);
  });

  test('empty lists between others -> each has its own', () => {
    assert.deepEqual(digestEntries('\n0x1 /c\n\n\n0x2 /a one\n0x3 /b two', 5), [empty, two, empty, one, empty]);
  });
});

describe('a text whose requests change lists', () => {
  for (const [line, keeps] of [
    ['frontend f\n  acl a path -f /a.lst\n  use_backend %[path,map(/m.map)]', true],
    ['frontend f\n  http-request set-map(/m.map) %[src] 1', false],
    ['frontend f\n  http-request add-acl(/a.lst) %[src]', false],
    ['frontend f\n  http-response del-map(/m.map) %[src] if { status 500 }', false],
    ['global\n  lua-load /x.lua', false],
  ] as const) {
    test(`${line.split('\n').at(-1)?.trim()} -> ${keeps ? 'only operators do' : 'they are not compared'}`, () => {
      assert.equal(keepsLists(line), keeps);
    });
  }
});
