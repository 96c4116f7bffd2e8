import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseVersion} from '../../src/proxy/version.ts';
import {recordingOf} from './recording.ts';

test('version, 1.7.5 -> its parts', () => {
  assert.deepEqual(parseVersion(recordingOf('version.txt')), {text: '1.7.5', major: 1, minor: 7, patch: 5});
});

test('version, 2.6 of a distribution -> its parts, the suffix kept', () => {
  const stdout = 'HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nStatus: long-term\n';
  assert.deepEqual(parseVersion(stdout), {text: '2.6.12-1+deb12u4', major: 2, minor: 6, patch: 12});
});

test('version, development branch -> patch 0', () => {
  assert.deepEqual(parseVersion('HAProxy version 3.1-dev2 2024/06/29'), {
    text: '3.1-dev2',
    major: 3,
    minor: 1,
    patch: 0,
  });
});

test('version, another program -> refused', () => {
  assert.throws(() => parseVersion('nginx version: nginx/1.22.1'), {code: 'HAPROXY', message: /^cannot parse version/});
});
