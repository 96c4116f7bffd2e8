import assert from 'node:assert/strict';
import {test} from 'node:test';
import {deriveKey} from '../../src/members/base62.ts';

const KEYS: readonly [string, string][] = [
  ['10.2.0.17', 'bmviV'],
  ['10.2.3.41', 'bmvvH'],
  ['10.2.1.5', 'bmvmR'],
  ['0.0.0.0', '0'],
  ['255.255.255.255', '4GFfc3'],
  ['::1', '1'],
  ['::', '0'],
  ['fd00::', '7Hp3DKr9LYpD4PIhNCTtMA'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '7N42dgm5tFLK9N8MT7fHC7'],
];

for (const [ip, key] of KEYS) test(`key, ${ip} -> ${key}`, () => assert.equal(deriveKey(ip), key));
