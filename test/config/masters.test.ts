import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseMasters} from '../../src/config/masters.ts';

test('parseMasters, hosts and ports in every spelling -> addresses', () => {
  assert.deepEqual(parseMasters(' haproxy.default.svc, a:81 ,10.0.0.1,fd00::1,[fd00::2],[fd00::3]:82,,', 8000), {
    masters: [
      {host: 'haproxy.default.svc', port: 8000},
      {host: 'a', port: 81},
      {host: '10.0.0.1', port: 8000},
      {host: 'fd00::1', port: 8000},
      {host: 'fd00::2', port: 8000},
      {host: 'fd00::3', port: 82},
    ],
    refused: [],
  });
});

test('parseMasters, what is no host -> refused', () => {
  assert.deepEqual(parseMasters('a b,http://x,a:70000,ok,[x', 8000), {
    masters: [{host: 'ok', port: 8000}],
    refused: ['a b', 'http://x', 'a:70000', '[x'],
  });
});
