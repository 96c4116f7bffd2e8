import assert from 'node:assert/strict';
import {test} from 'node:test';
import {findIgnoredKeywords, withoutIgnoredKeywords} from '../../src/proxy/ignored-keywords.ts';

const TEXT = `global
  daemon
  "master-worker" no-exit-on-failure
  grace 10s
defaults
  grace 5s
frontend master-worker
  bind :80
  use_backend grace if { path master-worker }
listen b
\tgrace 1s # while it lasts
peers p
  grace 1
`;

test('ignored keywords, in a text -> those that take HAProxy out of our hands, each with its line', () => {
  assert.deepEqual(
    findIgnoredKeywords(TEXT).map(({keyword, line}) => `${keyword} ${line}`),
    ['master-worker 3', 'grace 4', 'grace 6', 'grace 11'],
  );
});

test('text without ignored keywords, read by HAProxy -> comments in their place, every other line as it was', () => {
  const before = TEXT.split('\n');
  const after = withoutIgnoredKeywords(TEXT).split('\n');
  assert.equal(after.length, before.length);
  const changed = after.flatMap((line, index) => (line === before[index] ? [] : [line]));
  assert.deepEqual(changed, [
    '  #"master-worker" no-exit-on-failure',
    '  #grace 10s',
    '  #grace 5s',
    '\t#grace 1s # while it lasts',
  ]);
  assert.deepEqual(findIgnoredKeywords(after.join('\n')), []);
});

test('text without any of them, read by HAProxy -> the very same', () => {
  const text = 'global\n  nbthread 4\nlisten a\n  bind :80\n';
  assert.equal(withoutIgnoredKeywords(text), text);
});
