import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {fitsHosts} from '../../src/lifecycle/hosts-in-text.ts';

type Apps = Readonly<Record<string, readonly string[]>>;

const fits = (text: string, before: Apps, now: Apps) =>
  fitsHosts(text, new Map(Object.entries(before)), new Map(Object.entries(now)));

const TEXT = 'backend b\n  server web-1 10.2.0.1:80 check\n  server web-2 [fd00::a]:80\n';

describe('a configuration that may stay as it is for changed hosts', () => {
  for (const [what, before, now, outcome] of [
    ['it names all of them, with ports and in brackets', {}, {web: ['10.2.0.1', 'fd00::a']}, true],
    ['one is the beginning of an address that it names', {}, {web: ['10.2.0']}, false],
    ['it names one of two', {web: ['10.2.0.1']}, {web: ['10.2.0.1', '10.2.0.10']}, false],
    ['one that left is named', {web: ['10.2.0.1', 'fd00::a']}, {web: ['10.2.0.1']}, false],
    ['one that left is not named', {web: ['10.2.0.1', '10.2.0.9']}, {web: ['10.2.0.1']}, true],
    ['one that left is the address of another app now', {web: ['10.2.0.1']}, {api: ['10.2.0.1']}, false],
    ['an app that it never named grows', {db: ['10.3.0.1']}, {db: ['10.3.0.1', '10.3.0.2']}, true],
    ['an app that it never named goes', {db: ['10.3.0.1']}, {}, true],
    ['an app that it named has other addresses', {web: ['10.2.0.1']}, {web: ['10.2.0.2']}, false],
    ['an app is new', {web: ['10.2.0.1']}, {web: ['10.2.0.1'], db: ['10.3.0.1']}, false],
  ] as const) {
    test(`${what} -> ${outcome ? 'it may' : 'nothing shows that it may'}`, () => {
      assert.equal(fits(TEXT, before, now), outcome);
    });
  }

  test('an address in capitals, or with a port that belongs to it -> named', () => {
    assert.equal(fits('server s FD00::A', {}, {web: ['fd00::a']}), true);
    assert.equal(fits('server s fd00::1:80', {}, {web: ['fd00::1:80']}), true);
  });
});
