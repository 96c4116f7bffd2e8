import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {describeOldNode} from '../../src/terminal/node-version.ts';

test('Node.js, older than package.json asks for -> said with both versions; that one and newer -> nothing', () => {
  const {engines} = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const [, major = ''] = /^>=(\d+)$/.exec(engines.node) ?? [];
  assert.equal(describeOldNode('20.20.2'), `cannot run on Node.js 20.20.2: it takes ${major} or newer`);
  assert.match(describeOldNode(`${Number(major) - 1}.9.9`) ?? '', /^cannot run/);
  assert.equal(describeOldNode(`${major}.0.0`), undefined);
  assert.equal(describeOldNode('100.0.0'), undefined);
});
