import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {keyOf, pingSegments, pythonJson} from './slave.ts';

const recorded = readFileSync(new URL('../fixtures/pings.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');

test('the simulated slave, pings of real slaves -> the same bytes and keys', () => {
  for (const line of recorded) {
    const ping = JSON.parse(line);
    assert.equal(pythonJson(ping), line);
    assert.equal(keyOf(ping.ip), ping.key);
  }
});

test('the simulated slave, text beyond ASCII -> escaped as Python does', () => {
  assert.equal(pythonJson({b: ['é\n', null], a: '😀'}), String.raw`{"a": "\ud83d\ude00", "b": ["\u00e9\n", null]}`);
});

test('the simulated slave, one ping -> headers and body in two segments', () => {
  const [head, body] = pingSegments('{}', {host: 'fd77::1', port: 8000});
  assert.match(head ?? '', /^PUT \/ping HTTP\/1\.1\r\nHost: \[fd77::1\]:8000\r\n(.+\r\n)*Content-Length: 2\r\n\r\n$/);
  assert.equal(body, '{}');
});
